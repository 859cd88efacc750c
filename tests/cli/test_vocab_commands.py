"""``zsl vocab neighbours``, ``show --label``, ``verify``, ``export`` and ``index``."""

import csv
import io
import json
import re
import time
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console
from rich.progress import Progress

from zsl_cli import Vocabulary
from zsl_cli.classifier.candidates import compose
from zsl_cli.classifier.meaning import neighbours, read_sum
from zsl_cli.cli.terminal import folder_commands, notes
from zsl_cli.cli.terminal.progress import Bar
from zsl_cli.cli.vocab import verify as verify_command
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.support.folders import VOCABULARY
from zsl_cli.vocabulary import as_text, checks, writing
from zsl_cli.vocabulary.vocabulary import Label

LABELS = [
    Label("w1", "king", gloss="a ruler"),
    Label("w2", "queen", gloss="she rules", parents=("w1",), seen=True),
    Label("w3", "man", synonyms=("male person",)),
    Label("w4", "woman"),
    Label("w5", "king", gloss="a chessman", ambiguous=True, parents=("w6", "w1")),
    Label("w6", "x-ray fish", parents=("nowhere",)),
    Label("w7", "great white shark"),
    Label("w8", "a\tb\n\\c", synonyms=("queen",)),
]
# royal, male, game, other; the last two are prior and slack
VECTORS = np.array([
    [1, 1, 0, 0], [1, -1, 0, .1], [0, 1, 0, 0], [0, -1, 0, 0], [.2, .1, 1, 0], [0, 0, 0, 1],
    [0, .3, 0, 1], [.1, 0, .2, .3]], np.float64)
PRIOR = [.5, .1, .1, .1, .2, 0, 0, 0]


def unit(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def make(folder, labels=LABELS, vectors=None, *, prior=True, dtype=np.float16, **more):
    """A vocabulary folder with a prior."""
    if vectors is None:
        vectors = unit(VECTORS) * .8
        if prior:
            p = np.array(PRIOR)[:, None]
            vectors = np.concatenate([vectors, p, np.sqrt(1 - .64 - p ** 2)], axis=1)
            more["prior_dimension"] = 4
        else:
            vectors = unit(vectors)
    folder.mkdir(parents=True)
    writing.write(folder, folder.name, "words", labels, vectors.astype(dtype), **more)
    return folder


@pytest.fixture
def royal(tmp_path):
    return make(tmp_path / "royal")


@pytest.fixture
def vocabulary(royal):
    return Vocabulary.load(royal)


def named(vocabulary, found):
    return [vocabulary.label(row).id for row, _ in found]


def test_meanings_are_unit_vectors_without_prior_and_slack(vocabulary):
    np.testing.assert_allclose(vocabulary.meanings, unit(VECTORS), atol=1e-3)
    assert vocabulary.meanings.dtype == np.float32


@pytest.mark.parametrize("text", ["king - man + woman", "king \u2212 man + woman",
                                  "woman + w1  - man", "- man + king + woman"])
def test_a_sum_of_labels_leaves_its_words_out(vocabulary, text):
    found = neighbours(vocabulary, read_sum(vocabulary, text), 3)
    assert named(vocabulary, found)[0] == "w2"
    assert not {"w1", "w3", "w4"} & set(named(vocabulary, found))
    expected = unit(VECTORS)[0] - unit(VECTORS)[2] + unit(VECTORS)[3]
    assert found[0][1] == pytest.approx(
        unit(VECTORS)[1] @ expected / np.linalg.norm(expected), abs=1e-3)
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)


def test_names_with_hyphens_and_blanks_stay_whole(vocabulary):
    one = read_sum(vocabulary, "x-ray fish - great white shark")
    assert [(term.sign, term.rows) for term in one] == [(1, [5]), (-1, [6])]


def test_what_is_no_label_is_composed_of_its_words(zsl, vocabulary):
    found = neighbours(vocabulary, read_sum(vocabulary, "a king woman"), 3)
    assert not {"w1", "w4"} & set(named(vocabulary, found))
    expected = unit(VECTORS)[0] + unit(VECTORS)[3]
    row = vocabulary.rows[named(vocabulary, found)[0]]
    assert found[0][1] == pytest.approx(
        unit(VECTORS)[row] @ expected / np.linalg.norm(expected), abs=1e-3)
    result = zsl("vocab", "neighbours", "king woman - man", "--vocab", str(vocabulary.path),
                 "--jsonl")
    assert json.loads(result.stdout)["terms"] == [
        {"sign": "+", "phrase": "king woman", "words": [{"id": "w1", "label": "king"},
                                                        {"id": "w4", "label": "woman"}]},
        {"sign": "-", "id": "w3", "label": "man"}]
    assert b"'king woman' is no label of vocabulary royal, so composed: king + woman" in (
        result.stderr)
    result = zsl("vocab", "neighbours", "king of hearts", "--vocab", str(vocabulary.path))
    assert result.returncode == 2
    assert b"unknown label 'hearts'" in result.stderr


@pytest.mark.parametrize(("phrase", "ids"), [
    ("alte Straße", "ab"), ("άσπρος τοίχος", "cd"), ("STRASSE ΤΟΊΧΟΣ", "bd"), ("alte d", "ad")])
def test_every_word_of_a_composed_phrase_counts(tmp_path, phrase, ids):
    """However a name is folded to compare it: ``ß`` as ``ss``, ``ς`` as ``σ``."""
    names = {"a": "alte", "b": "Straße", "c": "άσπρος", "d": "τοίχος"}
    folder = make(tmp_path / "v", [Label(*item) for item in names.items()], np.eye(4))
    vocabulary = Vocabulary.load(folder)
    assert named(vocabulary, [(row, 0) for row in compose(vocabulary, phrase)]) == list(ids)


def test_k_above_the_number_of_labels_gives_all_but_the_label(vocabulary):
    found = neighbours(vocabulary, read_sum(vocabulary, "man"), 100)
    assert sorted(named(vocabulary, found)) == ["w1", "w2", "w4", "w5", "w6", "w7", "w8"]


def test_a_name_with_a_sign_in_it_is_a_name(tmp_path):
    labels = [Label("a", "rock"), Label("b", "roll"), Label("c", "rock + roll")]
    named = Vocabulary.load(make(tmp_path / "v", labels, np.eye(3)))
    assert [row for term in read_sum(named, "rock + roll") for row in term.rows] == [2]
    for minus in "-−–":
        terms = read_sum(named, f"rock {minus} roll")
        assert [(term.sign, *term.rows) for term in terms] == [(1, 0), (-1, 1)]


@pytest.mark.parametrize(("text", "said"), [
    ("king -", "missing at the end"), ("king + - man", "missing before '-'"),
    ("king - kingg", "unknown label 'kingg'"),
    ("king –man + woman", "'king –man'; put blanks around + and -"),
    ("king- man", "'king- man'; put blanks"), ("king-man+woman", "; put blanks around + and -"),
    ("man - man", "zero or no number"),
    ("-", "missing at the end")])
def test_sums_that_make_no_sense(zsl, royal, text, said):
    result = zsl("vocab", "neighbours", "--vocab", str(royal), "--", text)
    assert result.returncode == 2
    assert said in result.stderr.decode()
    assert result.stdout == b""


def test_the_example_of_what_is_no_label_is_composed(zsl):
    result = zsl("vocab", "neighbours", "kitchen", "cat")
    assert result.returncode == 0
    assert b"'kitchen cat' is no label of vocabulary default, so composed" in result.stderr
    assert b"zsl vocab neighbours kitchen cat\n" in zsl("vocab", "neighbours", "--help").stdout


def test_neighbours_for_people_and_programs(zsl, royal):
    base = ("vocab", "neighbours", "king", "-", "man", "+", "woman", "--vocab", str(royal), "-k",
            "2")
    result = zsl(*base)
    assert result.stdout.decode().splitlines()[0].split() == ["1", "0.957", "queen"]
    assert "king taken as w1 (a ruler). Others, by id: w5 (a chessman)" in result.stderr.decode()
    assert zsl(*base, "--quiet").stderr == b""
    record = json.loads(zsl(*base, "--jsonl").stdout)
    assert record["terms"] == [{"sign": "+", "id": "w1", "label": "king"},
                               {"sign": "-", "id": "w3", "label": "man"},
                               {"sign": "+", "id": "w4", "label": "woman"}]
    assert [label["id"] for label in record["labels"]] == ["w2", "w8"]
    assert record["vocabulary"] == "royal"
    assert json.loads(zsl(*base, "--json").stdout) == record
    assert re.search(r"--json +One JSON object\.", zsl(*base, "--help").stdout.decode())
    rows = list(csv.DictReader(io.StringIO(zsl(*base, "--csv").stdout.decode(), newline="")))
    assert [(row["rank"], row["id"], row["label"]) for row in rows] == [
        ("1", "w2", "queen"), ("2", "w8", "a\tb\n\\c")]


ESCAPE = "\x1b[31m"


def test_what_a_folder_says_never_steers_the_terminal(zsl, tmp_path, capsys):
    labels = [Label(f"{name}{ESCAPE}", "king") for name in "ab"]
    folder = make(tmp_path / "vocab" / "v", labels, np.eye(2), version=ESCAPE)
    broken = tmp_path / "vocab" / f"w{ESCAPE}"
    broken.mkdir()
    (broken / "vocabulary.json").write_text(f'"{ESCAPE}')
    manifest = json.loads((folder / "vocabulary.json").read_text())
    (folder / "vocabulary.json").write_text(json.dumps({**manifest, "space": ESCAPE}))
    env = {"ZSL_HOME": str(tmp_path)}
    # click itself takes whole sequences out where there is no terminal, so look for what is escaped
    for arguments in (("list", "-v"), ("neighbours", "king", "--vocab", "v"), ("verify", "v"),
                      ("build", str(folder), "-o", "words"), ("show", "v")):
        result = zsl("vocab", *arguments, env=env)
        assert b"\x1b" not in result.stdout + result.stderr
        assert b"\\x1b[31m" in result.stdout + result.stderr
    named = SimpleNamespace(name=ESCAPE, device="cpu")
    notes.say_what_is_used(SimpleNamespace(model=named, vocabulary=named), named)
    assert ESCAPE not in capsys.readouterr().err


def test_a_spreadsheet_runs_nothing_of_what_a_vocabulary_says(zsl, tmp_path):
    labels = [Label("a", "king"), Label("=1+1", "@SUM(A1)")]
    folder = make(tmp_path / "v", labels, unit(np.array([[1, 0], [1, 1.]])))
    rows = zsl("vocab", "neighbours", "king", "--vocab", str(folder), "--csv").stdout.decode()
    assert rows.splitlines()[1] == "1,'=1+1,'@SUM(A1),0.707107"
    help_text = " ".join(zsl("vocab", "export", "--help").stdout.decode().split())
    assert "a spreadsheet would run" in help_text


def test_show_of_one_label(zsl, royal):
    result = zsl("vocab", "show", str(royal), "--label", "w5")
    lines = {line.split("  ")[0].strip(): line for line in result.stdout.decode().splitlines()}
    assert "a chessman" in lines["gloss"]
    shown = json.loads(zsl("vocab", "show", str(royal), "--label", "w5", "--json").stdout)
    assert shown["paths"] == [["x-ray fish", "king"], ["king", "king"]]
    assert shown["neighbours"][0]["id"] == "w8"
    above = json.loads(zsl("vocab", "show", str(royal), "--label", "w1", "--json").stdout)
    assert [child["id"] for child in above["children"]] == ["w2", "w5"]
    assert (above["paths"], above["seen"]) == ([["king"]], False)
    assert zsl("vocab", "show", str(royal), "--label", "prince").returncode == 2


def verify(zsl, folder, *options):
    """Exit status, and the states of the checks by name."""
    result = zsl("vocab", "verify", str(folder), "--json", "--quiet", *options)
    report = json.loads(result.stdout)
    assert report["ok"] == (result.returncode == 0)
    assert bool(result.stderr) == (result.returncode == 2)
    return result.returncode, {check["name"]: check for check in report["checks"]}


def test_verify_of_a_sound_vocabulary(zsl, royal):
    status, checks = verify(zsl, royal)
    assert status == 0
    assert {name: check["state"] for name, check in checks.items()} == {
        "files": "ok", "space": "note", "norms": "ok", "ids": "ok", "names": "note",
        "parents": "note", "cycles": "ok", "identical": "ok", "index": "ok"}
    assert checks["names"]["examples"] == ["king: 2 times"]
    assert checks["parents"]["examples"] == ["w6: nowhere"]
    text = zsl("vocab", "verify", str(royal), "--without-index")
    assert "ok     norms: all vectors have length 1" in text.stdout.decode()
    assert "index" not in text.stdout.decode()


@pytest.mark.parametrize(("dtype", "length", "said"), [
    (np.float16, np.nan, "1 vectors without a finite number"), (np.float16, 0, "1 vectors zero"),
    (np.float16, 1.01, "of another length than 1"),
    (np.float32, 1.001, "of another length than 1")])
def test_verify_names_vectors_that_are_no_unit_vectors(zsl, tmp_path, dtype, length, said):
    vectors = unit(VECTORS)
    vectors[3] *= length
    status, checks = verify(zsl, make(tmp_path / "v", vectors=vectors, dtype=dtype))
    assert (status, checks["norms"]["state"]) == (2, "wrong")
    assert said in checks["norms"]["message"]
    assert checks["norms"]["examples"][0].startswith("row 4, w4 (woman): length")
    assert "index" not in checks


def test_verify_finds_ids_twice_cycles_and_identical_vectors(zsl, tmp_path):
    labels = [Label("a", "one", parents=("b",)), Label("b", "two", parents=("a",)),
              Label("c", "three"), Label("c", "four")]
    vectors = np.eye(4)
    vectors[3] = vectors[2]
    result = zsl("vocab", "verify", str(make(tmp_path / "v", labels, vectors)))
    assert result.returncode == 2
    out = result.stdout.decode()
    assert "WRONG  ids: 1 ids stand more than once\n         c: 2 times" in out
    assert "WRONG  cycles: 1 cycles among the parents\n         a > b > a" in out
    assert "note   identical: 2 labels share their vector with another, in 1 groups" in out
    assert "three, four" in out
    assert "ids, cycles: wrong; 1 ids stand more than once (c: 2 times)" in result.stderr.decode()


def test_verify_measures_the_recall_of_the_index(zsl, tmp_path):
    vectors = unit(np.random.default_rng(0).normal(size=(3000, 24)))
    labels = [Label(str(row), str(row)) for row in range(3000)]
    poor = make(tmp_path / "poor", labels, vectors, hnsw={"m": 2, "ef_construction": 4, "ef": 1})
    status, checks = verify(zsl, poor)
    assert (status, checks["index"]["state"]) == (2, "wrong")
    assert "below 0.99" in checks["index"]["message"]
    assert verify(zsl, poor, "--without-index")[0] == 0
    assert verify(zsl, make(tmp_path / "good", labels, vectors))[1]["index"]["state"] == "ok"


def test_verify_of_a_changed_file_goes_no_further(zsl, royal):
    with (royal / "labels.jsonl").open("ab") as file:
        file.write(b"\n")
    status, checks = verify(zsl, royal)
    assert (status, list(checks)) == (2, ["files"])
    assert "labels.jsonl: changed" in checks["files"]["message"]


def test_verify_with_similarity_reports_what_is_wrong_with_the_files(zsl, royal):
    pytest.importorskip("scipy")
    (royal / "vectors.npy").write_bytes(b"")
    status, checks = verify(zsl, royal, "--similarity")
    assert (status, list(checks)) == (2, ["files"])


def test_verify_hashes_every_file_once(royal, monkeypatch, capsys):
    (royal / "notes.txt").write_text("mine")
    manifest = json.loads((royal / "vocabulary.json").read_text())
    manifest["files"] |= folders.describe_files(royal, "notes.txt")
    (royal / "vocabulary.json").write_text(json.dumps(manifest))
    hashed = []

    def sha256(path, digest=folders.sha256):
        hashed.append(path.name)
        return digest(path)

    monkeypatch.setattr(folders, "sha256", sha256)
    monkeypatch.setattr(verify_command, "_wordnet", lambda _folder: object())
    monkeypatch.setattr("zsl_cli.authoring.vocabularies.similarity.agreement", lambda *_: None)
    verify_command.command.main([str(royal), "--similarity", "--without-index", "-q"],
                                standalone_mode=False)
    assert sorted(hashed) == ["labels.jsonl", "notes.txt", "vectors.npy"]
    assert "similarity: too few" in capsys.readouterr().out
    (royal / "notes.txt").write_text("ours")
    with pytest.raises(ZslError, match=r"notes\.txt: changed"):
        verify_command.command.main([str(royal), "-q"], standalone_mode=False)


def test_quiet_leaves_out_notes_and_not_what_was_asked_for(zsl, royal):
    quiet = zsl("vocab", "verify", str(royal), "--without-index", "-q")
    assert quiet.stdout == zsl("vocab", "verify", str(royal), "--without-index").stdout != b""
    assert quiet.stderr == b""


def test_verify_says_at_once_that_there_is_no_wordnet(zsl, royal, tmp_path):
    result = zsl("vocab", "verify", str(royal), "--similarity", "--wordnet", str(tmp_path / "no"))
    assert result.returncode == 2
    assert str(tmp_path / "no") in result.stderr.decode()
    assert result.stdout == b""


def test_identical_vectors_are_found_in_little_memory(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(5_000, 1024)).astype(np.float32)
    vectors[[7, 4_000]] = vectors[3]
    np.save(tmp_path / "v.npy", vectors)
    vocabulary = SimpleNamespace(vectors=np.load(tmp_path / "v.npy", mmap_mode="r"),
                                 label=lambda row: Label(str(row), f"label {row}"))
    tracemalloc.start()
    found = checks._identical(vocabulary)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.examples == ("label 3, label 7, label 4000",)
    assert peak < vectors.nbytes / 10


def test_index_is_built_ahead_and_then_found(zsl, royal, tmp_path):
    env = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    first = zsl("vocab", "index", str(royal), "--ef", "50", env=env)
    assert "recall@10     1.0000" in first.stdout.decode()
    assert "ef 50" in first.stdout.decode()
    assert "building the index of 8 labels" in first.stderr.decode()
    again = zsl("vocab", "index", str(royal), "--json", env=env)
    assert again.stderr == b""
    told = json.loads(again.stdout)
    assert (told["m"], told["recall@10"]) == (16, 1.0)
    assert told["path"] == str(next((tmp_path / "cache").rglob("*.bin")))
    other = zsl("vocab", "index", str(royal), "--m", "8", "--ef-construction", "40", env=env)
    assert "use the vocabulary's own M 16" in other.stderr.decode()
    assert len(list((tmp_path / "cache").rglob("*.bin"))) == 2
    assert zsl("vocab", "index", str(royal), "--m", "1").returncode == 2


def test_a_table_has_names_with_tabs_and_ends_of_line(zsl, royal, tmp_path):
    result = zsl("vocab", "export", str(royal), "-o", "labels.tsv", "--format", "tsv", "--vectors")
    assert result.returncode == 0, result.stderr
    lines = (tmp_path / "labels.tsv").read_text("utf-8").splitlines()
    assert lines[0] == "id\tname\tsynonyms\tgloss\tparents\tvector"
    assert len(lines) == 9
    cells = [line.split("\t") for line in lines[1:]]
    assert cells[7][:3] == ["w8", "a\\tb\\n\\\\c", "queen"]
    assert cells[4][3:5] == ["a chessman", "w6|w1"]
    vectors = np.array([line[5].split() for line in cells], np.float64).astype(np.float16)
    np.testing.assert_array_equal(vectors, Vocabulary.load(royal).vectors)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_gensim_reads_the_word2vec_text(zsl, tmp_path, dtype):
    models = pytest.importorskip("gensim.models")
    folder = make(tmp_path / "royal", prior=False, dtype=dtype)
    result = zsl("vocab", "export", str(folder), "-o", "words.txt", "--format", "word2vec")
    assert result.returncode == 0
    assert "1 labels stand under their id" in result.stderr.decode()
    assert "for the same models, with --space words\n" in result.stderr.decode()
    read = models.KeyedVectors.load_word2vec_format(str(tmp_path / "words.txt"))
    assert read.index_to_key == ["king", "queen", "man", "woman", "w5", "x-ray_fish",
                                 "great_white_shark", "a_b_\\c"]
    np.testing.assert_array_equal(read.vectors.astype(dtype), Vocabulary.load(folder).vectors)


def test_word2vec_text_has_the_dimensions_before_the_prior(royal):
    vocabulary = Vocabulary.load(royal)
    words, ids = as_text.words(vocabulary)
    lines = list(as_text.word2vec(vocabulary, words))
    assert (lines[0], ids, len(lines)) == (b"8 4\n", 1, 9)


def test_words_are_never_alike(tmp_path):
    labels = [Label("a", "x"), Label("w_2", "x"), Label("b", "w 2"), Label("z", "\u2028")]
    folder = make(tmp_path / "v", labels, np.eye(4))
    words, _ = as_text.words(Vocabulary.load(folder))
    assert words == ["x", "w_2_", "w_2", "z"]


def test_a_list_is_a_table_on_a_terminal_and_else_cells_between_tabs():
    rows = [("default", "1", "8 labels"), ("w", "1", "9 labels")]
    head = ("name", "version", "contents")
    assert folder_commands._table(head, rows, False) == ["default\t1\t8 labels", "w\t1\t9 labels"]
    assert folder_commands._table(head, rows, True) == [
        "name     version  contents", "default  1        8 labels", "w        1        9 labels"]
    assert folder_commands._table((), [], True) == []


def test_a_manifest_is_shown_as_yaml():
    assert folder_commands._lines({"a": True, "b": None, "sources": [
        {"name": "x", "url": ["u", "v"]}, {"name": "y"}, "z"], "c": {"d": "True"}}) == [
        "a: true", "b: null", "sources:", "  - name: x", "    url:", "      - u", "      - v",
        "  - name: y", "  - z", "c:", "  d: True"]


def test_a_bar_is_redrawn_now_and_then_however_often_it_advances(monkeypatch):
    shown = []
    progress = Progress(console=Console(file=io.StringIO()))
    monkeypatch.setattr(progress, "update", lambda _task, **_what: shown.append(
        progress.tasks[0].completed))
    bar = Bar(progress)
    for _ in range(2):  # what was not shown of one task is not the next one's
        shown.clear()
        bar.start("writing", 20_000)
        for _ in range(20_000):
            bar.advance(1)
        assert shown[0] == 1
        assert len(shown) < 500
    time.sleep(0.2)
    bar.advance(1, failed=1)
    assert shown[-1] == 20_001


@pytest.mark.parametrize(("total", "done", "note"), [
    (100, 30, "30 of 100 kB · 10 kB/s · 7.0 s left"),
    (20, 30, "30 of 20 kB · 10 kB/s · 0.0 s left"),
    (0, 30, "30 kB"), (None, 0, "")])
def test_a_bar_says_how_much_of_what_and_how_long(total, done, note):
    clock = [0.0]
    progress = Progress(console=Console(file=io.StringIO()), get_time=lambda: clock[0])
    bar = Bar(progress)
    bar.start("reading", total, "kB")
    if done:
        progress.advance(0, 0)
        clock[0] = 3.0
    bar.advance(done)
    assert progress.tasks[0].fields["note"] == note


def test_export_leaves_an_existing_file_alone_and_streams(zsl, royal, tmp_path):
    (tmp_path / "there.tsv").write_text("mine")
    base = ("vocab", "export", str(royal), "--format", "tsv", "-o")
    result = zsl(*base, "there.tsv")
    assert result.returncode == 2
    assert "--force" in result.stderr.decode()
    assert (tmp_path / "there.tsv").read_text() == "mine"
    assert zsl(*base, "there.tsv", "--force").returncode == 0
    assert zsl(*base, "-").stdout == (tmp_path / "there.tsv").read_bytes()
    assert zsl(*base, "a/new/folder.tsv").returncode == 0
    assert (tmp_path / "a" / "new" / "folder.tsv").read_bytes() == (
        tmp_path / "there.tsv").read_bytes()
    assert zsl(*base, "there.tsv/x").returncode == 2
    assert zsl(*base, "-", "--vectors").stdout.startswith(b"id\t")
    assert zsl("vocab", "export", str(royal), "--format", "word2vec", "--vectors", "-o",
               "-").returncode == 2


def test_an_export_that_fails_leaves_nothing_behind(zsl, royal, tmp_path):
    manifest = json.loads((royal / "vocabulary.json").read_text())
    (royal / "labels.jsonl").write_bytes(b"{}\n" * 8)
    manifest["files"] = folders.describe_files(royal, "vectors.npy", "labels.jsonl")
    (royal / "vocabulary.json").write_text(json.dumps(manifest))
    assert folders.read_manifest(VOCABULARY, royal)
    before = sorted(tmp_path.iterdir())
    result = zsl("vocab", "export", str(royal), "-o", "new/out.tsv", "--format", "tsv")
    assert result.returncode == 2
    assert "labels.jsonl, line 1" in result.stderr.decode()
    assert sorted(tmp_path.iterdir()) == before


def test_a_folder_gets_the_parameters_that_are_given_and_else_those_that_suit_it(tmp_path):
    folder = make(tmp_path / "v", hnsw={"m": 8})
    assert json.loads((folder / "vocabulary.json").read_text())["hnsw"] == {
        "m": 8, "ef_construction": 400, "ef": 256}
