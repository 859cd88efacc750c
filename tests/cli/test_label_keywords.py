"""Keywords of ``zsl label``: in outputs and in sidecars."""

import csv
import json
import re

import names_files
import pytest
from label_runs import records, summary
from sidecar_samples import SUBJECT, values


@pytest.fixture
def photos(tmp_path, cat_jpg, coffee_png):
    """A cat, a cup of coffee and what is no photo."""
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(cat_jpg.read_bytes())
    (folder / "b.png").write_bytes(coffee_png.read_bytes())
    (folder / "c.jpg").write_bytes(b"no photo")
    return folder


def words(record):
    return [one["label"] for one in record["keywords"]]


@pytest.mark.usefixtures("photos")
def test_outputs_have_what_classify_says(zsl, tmp_path):
    asked = ("photos", "--confidence", "0.3")
    expected = [json.loads(line) for line in
                zsl("classify", *asked, "--jsonl", "-j", "1").stdout.splitlines()]
    for name in ("l.jsonl", "l.csv"):
        assert zsl("label", *asked, "-o", name).returncode == 1
    cat, coffee, failed = records(tmp_path / "l.jsonl")
    for record, one in zip((cat, coffee), expected[:2], strict=True):
        for key in ("labels", "keywords"):
            assert [list(each) for each in record[key]] == [list(each) for each in one[key]]
            for each, other in zip(record[key], one[key], strict=True):
                assert each["confidence"] == pytest.approx(other["confidence"], abs=1e-5)
                assert each["id"] == other["id"]
    assert "keywords" not in failed
    rows = list(csv.DictReader((tmp_path / "l.csv").read_text("utf-8").splitlines()))
    assert [row["keywords"] for row in rows if row["rank"] in ("1", "")] == [
        "; ".join(words(cat)), "; ".join(words(coffee)), ""]
    assert float(rows[0]["confidence"]) == cat["labels"][0]["confidence"]
    streamed = zsl("label", *asked).stdout.splitlines()
    assert [json.loads(line) for line in streamed] == [cat, coffee, failed]


@pytest.mark.usefixtures("photos")
def test_parquet_has_a_list_of_keywords(zsl, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    zsl("label", "photos", "-o", "l.parquet", "--keywords")
    zsl("label", "photos", "-o", "l.jsonl", "--keywords")
    table = parquet.read_table(tmp_path / "l.parquet").to_pylist()
    expected = records(tmp_path / "l.jsonl")
    assert [[one["label"] for one in row["keywords"] or ()] for row in table] == [
        words(record) if "labels" in record else [] for record in expected]
    assert table[0]["labels"][0]["confidence"] == pytest.approx(
        expected[0]["labels"][0]["confidence"])
    zsl("label", "photos", "-o", "plain.parquet")
    plain = parquet.read_table(tmp_path / "plain.parquet")
    assert "keywords" not in plain.schema.names
    assert list(plain.to_pylist()[0]["labels"][0]) == ["id", "label", "score"]


@pytest.mark.usefixtures("photos")
def test_the_summary_counts_keywords(zsl, tmp_path):
    result = zsl("label", "photos", "-o", "l.jsonl", "--confidence", "0.5")
    found = [word for record in records(tmp_path / "l.jsonl") for word in record.get("keywords", ())
             and words(record)]
    said = re.search(r"most frequent: (.*)", result.stderr.decode())[1]
    named = [re.sub(r" [\d,]+$", "", one) for one in said.split(", ")]
    assert set(named) <= set(found)
    assert len(set(named)) == len(named) == min(8, len(set(found)))


@pytest.mark.usefixtures("photos")
def test_keywords_are_asked_for_later_and_no_photo_is_read(zsl, tmp_path):
    def run(*options):
        return summary(zsl("label", "photos", "-o", "l.jsonl", *options))

    assert run() == (2, 1, 0)
    before = (tmp_path / "l.jsonl").read_bytes()
    assert b"confidence" not in before
    assert run("--keywords") == (0, 0, 3)
    written = (tmp_path / "l.jsonl").read_bytes()
    assert b"confidence" in written
    assert run("--confidence", "0.8") == (0, 0, 3)
    assert (tmp_path / "l.jsonl").read_bytes() == written
    assert run("--keywords", "--most", "3") == (0, 0, 3)
    assert run() == (0, 0, 3)
    assert (tmp_path / "l.jsonl").read_bytes() == before


def test_sidecars_have_the_keywords_and_a_threshold_is_of_labels(zsl, photos, tmp_path):
    result = zsl("label", "photos", "-o", "l.jsonl", "--xmp", "--threshold", "0.9")
    assert result.stderr.count(b"--threshold is of labels and their scores; keywords are those "
                               b"whose --confidence is 0.8 or more") == 1
    cat = records(tmp_path / "l.jsonl")[0]
    assert cat["labels"] == []
    written = values((photos / "a.jpg.xmp").read_bytes(), SUBJECT)
    assert written[:len(cat["keywords"])] == words(cat)
    assert re.search(r"<rdf:li>0\.\d\d cat</rdf:li>", (photos / "a.jpg.xmp").read_text("utf-8"))
    result = zsl("label", "photos", "-o", "l.jsonl", "--xmp", "--confidence", "0.999999",
                 "--threshold", "0.9")
    assert b"--threshold" not in result.stderr
    assert records(tmp_path / "l.jsonl")[0]["keywords"] == []
    assert not any(values(path.read_bytes(), SUBJECT) for path in photos.glob("*.xmp"))


def test_in_another_language_no_photo_is_read_again(zsl, photos, tmp_path):
    names_files.make(tmp_path / "home" / "names" / "de", names_files.NAMES)
    env = {"ZSL_HOME": str(tmp_path / "home")}
    german = ("label", "photos", "-o", "l.jsonl", "--xmp", "--language", "de")
    assert summary(zsl(*german, env=env)) == (2, 1, 0)
    assert "Katze" in words(records(tmp_path / "l.jsonl")[0])
    assert b"Tier|" in (photos / "a.jpg.xmp").read_bytes()
    result = zsl(*german[:-2], env=env)
    assert summary(result) == (0, 0, 3)
    assert "cat" in words(records(tmp_path / "l.jsonl")[0])
    assert b"Katze" not in (photos / "a.jpg.xmp").read_bytes()


def test_words_of_a_list_are_keywords_as_the_user_wrote_them(zsl, photos, tmp_path):
    (tmp_path / "list.txt").write_text("Pets\n\tCats\n\t\tmy cat {cat}\n\tHorses\n")
    zsl("label", "photos", "-o", "l.jsonl", "--report", "r.html", "--xmp", "--labels-file",
        "list.txt")
    cat = records(tmp_path / "l.jsonl")[0]
    assert set(words(cat)) & {"Cats", "my cat"}
    (table,) = re.findall(r'data-block="keywords">(.*?)</script>',
                          (tmp_path / "r.html").read_text("utf-8"))
    assert "Pets" in {name for _, name, _ in json.loads(table)}
    assert b"Pets|Cats" in (photos / "a.jpg.xmp").read_bytes()
