"""Labels with their path from the root, and candidates by their depth."""

import csv
import io
import json

import pytest
from rich.console import Console

from zsl_cli import Vocabulary
from zsl_cli.classifier.candidates import choose
from zsl_cli.classifier.classifier import Prediction, ScoredLabel
from zsl_cli.cli.terminal.predictions import shortened, table
from zsl_cli.errors import UnknownLabelError, ZslError
from zsl_cli.vocabulary.names.label import Label

TABBY = ["organism", "animal", "chordate", "vertebrate", "mammal", "placental", "carnivore",
         "feline", "cat", "domestic cat", "tabby"]
TO_TABBY = " > ".join(TABBY)


@pytest.fixture(scope="module")
def vocabulary():
    return Vocabulary.load()


def ids(vocabulary, choice):
    return {vocabulary.label(row).id for row in choice.rows}


def test_depth_is_counted_below_under_or_below_the_roots(vocabulary):
    def chosen(**how):
        return choose(vocabulary, how.pop("labels", None), how.pop("under", None), phrases=False,
                      **how).rows

    cat = vocabulary.find("n02121620").row
    assert chosen(under=["n02121620"], max_depth=0) == {cat}
    below = chosen(under=["n02121620"], max_depth=1)
    assert below == {cat, *vocabulary.hierarchy.children(cat)}
    assert below < chosen(under=["n02121620"], max_depth=2)
    roots = chosen(max_depth=0)
    assert {vocabulary.label(row).name for row in roots} >= {"organism", "artifact"}
    assert all(not vocabulary.hierarchy.parents(row) for row in roots)
    assert chosen(labels=["organism", "tabby"], max_depth=3) == {vocabulary.rows["n00004475"]}


def test_depth_that_leaves_nothing_and_depth_of_a_phrase_are_errors(vocabulary):
    with pytest.raises(ZslError, match="at most 1 steps below the roots of the hierarchy"):
        choose(vocabulary, ["tabby"], None, phrases=False, max_depth=1)
    with pytest.raises(ZslError, match="at most 0 steps under animal"):
        choose(vocabulary, ["tabby"], ["animal"], phrases=False, max_depth=0)
    with pytest.raises(UnknownLabelError, match="leave it out, or `under` and `max_depth`"):
        choose(vocabulary, ["my grandmother's teapot"], None, phrases=True, max_depth=3)


def test_a_path_is_shortened_from_the_root_on():
    assert shortened(TABBY, 200) == TABBY
    assert shortened(TABBY, 45) == ["organism", "…", "cat", "domestic cat", "tabby"]
    assert shortened(TABBY, 24) == ["organism", "…", "tabby"]
    assert shortened(TABBY, 12) == ["…", "tabby"]
    assert shortened(TABBY, 3) == ["tabby"]
    assert shortened(["tabby"], 3) == ["tabby"]
    assert shortened(["cat", "tabby"], 200) == ["cat", "tabby"]
    assert shortened(["cat", "tabby"], 6) == ["tabby"]


def test_a_phrase_is_marked_behind_its_path_too():
    found = [ScoredLabel(Label(name, name), .5, phrase) for name, phrase in (
        ("tabby", False), ("my teapot", True))]
    paths = {"tabby": TABBY, "my teapot": ["my teapot"]}
    for columns, path in ((200, TO_TABBY), (50, "organism > … > domestic cat > tabby")):
        console = Console(file=io.StringIO(), width=columns)
        console.print(table(Prediction("a.jpg", tuple(found)), bars=False, path_of=paths.get))
        lines = console.file.getvalue().splitlines()
        assert lines[1].split()[1:-1] == path.split()
        assert "my teapot  phrase " in lines[2]


def test_classify_prints_paths_where_they_are_asked_for(zsl, cat_jpg):
    base = ("classify", str(cat_jpg), "--labels", "n02123045,coffee mug")
    table = zsl(*base, "--paths", env={"COLUMNS": "72"}).stdout.decode()
    assert "organism > … > cat > domestic cat > tabby  " in table
    assert "organism" not in zsl(*base).stdout.decode()
    plain, = [json.loads(zsl(*base, "--jsonl").stdout)]
    record = json.loads(zsl(*base, "--jsonl", "--paths").stdout)
    assert record["labels"][0].pop("path") == TABBY
    assert record["labels"][1].pop("path")[0] == "artifact"
    assert record == plain
    rows = list(csv.reader(io.StringIO(zsl(*base, "--csv", "--paths").stdout.decode())))
    assert rows[0] == ["path", "rank", "id", "label", "score", "error", "label_path"]
    assert rows[1][-1] == TO_TABBY


def test_classify_keeps_to_a_depth(zsl, cat_jpg):
    result = zsl("classify", str(cat_jpg), "--under", "n02121620", "--max-depth", "1", "--jsonl")
    assert {label["label"] for label in json.loads(result.stdout)["labels"]} == {
        "cat", "domestic cat", "wildcat"}
    assert zsl("classify", str(cat_jpg), "--max-depth", "-1").returncode == 2


def test_a_width_of_search_is_for_the_index(zsl, cat_jpg):
    result = zsl("classify", str(cat_jpg), "--exact", "--ef", "100")
    assert result.returncode == 2
    assert b"--ef is for the HNSW index" in result.stderr
    wide = json.loads(zsl("classify", str(cat_jpg), "--hnsw", "--ef", "1000", "--jsonl").stdout)
    exact = json.loads(zsl("classify", str(cat_jpg), "--exact", "--jsonl").stdout)
    assert [label["id"] for label in wide["labels"]] == [label["id"] for label in exact["labels"]]


def test_label_writes_paths_into_every_format(zsl, cat_jpg, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    base = ("label", str(cat_jpg), "--labels", "n02123045")
    assert zsl(*base, "-o", "l.jsonl", "--paths").returncode == 0
    record = json.loads((tmp_path / "l.jsonl").read_text())
    assert record["labels"][0]["path"] == TABBY
    assert json.loads(zsl(*base, "--paths").stdout)["labels"] == record["labels"]
    assert zsl(*base, "-o", "l.csv", "--paths").returncode == 0
    header, row = csv.reader((tmp_path / "l.csv").read_text().splitlines())
    assert (header[-2:], row[-1]) == (["version", "label_path"], TO_TABBY)
    assert zsl(*base, "-o", "l.parquet", "--paths").returncode == 0
    labels = parquet.read_table(tmp_path / "l.parquet").to_pylist()[0]["labels"]
    assert labels[0]["path"] == TABBY
    result = zsl(*base, "-o", "l.jsonl")
    assert b"1 known already" in result.stderr
    assert "path" not in json.loads((tmp_path / "l.jsonl").read_text())["labels"][0]


def test_label_keeps_to_a_depth(zsl, cat_jpg, tmp_path):
    base = ("label", str(cat_jpg), "--under", "n02121808", "-o", "l.jsonl", "--top", "2")

    def names():
        (record,) = map(json.loads, (tmp_path / "l.jsonl").read_text().splitlines())
        return [label["label"] for label in record["labels"]]

    assert zsl(*base).returncode == 0
    assert len(names()) == 2
    assert b"1 known already" in zsl(*base, "--max-depth", "0").stderr
    assert names() == ["domestic cat"]
    assert zsl("label", str(cat_jpg), "--labels", "tabby", "--max-depth", "0").returncode == 2
