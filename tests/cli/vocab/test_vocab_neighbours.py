"""``zsl vocab neighbours`` and ``show --label``, and what a folder says on a terminal."""

import csv
import io
import json
import re
from types import SimpleNamespace

import numpy as np
import pytest
from royal import VECTORS, make, named, unit

from zsl_cli import Vocabulary
from zsl_cli.cli.terminal import notes
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.words.meaning import neighbours, read_sum


@pytest.fixture
def vocabulary(royal):
    return Vocabulary.load(royal)


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
    named = SimpleNamespace(name=ESCAPE, device="cpu", is_open=True)
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
