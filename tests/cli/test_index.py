"""``zsl index``: the real command line over painted pictures."""

import json
import os
import re
import signal

import pytest
import text_model
from label_runs import LARGE, records, run_in_background, stopped_in_the_middle, summary
from painted_sets import model, photos  # noqa: F401


@pytest.fixture
def index(zsl, model, photos):  # noqa: F811
    """Runs it with the model of colours."""
    return lambda *arguments, **options: zsl("index", *arguments, "--model", "./paint", "--device",
                                             "cpu", **options)


def test_it_reads_what_is_new_and_sums_up(index, photos, catalogues):  # noqa: F811
    first = index("photos")
    assert (first.returncode, first.stdout, summary(first)) == (0, b"", (9, 0, 0))
    [folder] = catalogues.iterdir()
    assert f"catalogue: {folder}" in first.stderr.decode()
    (photos / "bad.png").write_bytes(b"no photo")
    os.rename(photos / "c3" / "0.png", photos / "moved.png")
    (photos / "scarlet" / "3.png").unlink()
    second = index("photos")
    assert (second.returncode, summary(second)) == (1, (0, 1, 8))
    said = second.stderr.decode()
    assert re.search(r"8 known already, 1 of them by another path, 1 gone, ", said)
    assert "zsl: photos/bad.png: not an image in a known format" in said
    assert "1 × not an image in a known format" in said
    third = index("photos")
    assert (third.returncode, summary(third)) == (1, (0, 0, 9))
    assert b"1 of these failed in an earlier run; --retry-failed tries them again" in third.stderr
    assert summary(index("photos", "--retry-failed")) == (0, 1, 8)
    assert index("photos", "-q").stderr == b""


def test_a_dry_run_only_says_what_there_is_to_do(index, photos, catalogues):  # noqa: F811
    assert index("photos", "--dry-run").stdout == b"9 photos to read, 0 known already\n"
    assert not catalogues.exists()
    index("photos")
    (photos / "c3" / "0.png").unlink()
    text_model.photo(photos / "new.png", (1, 2, 3))
    assert index("photos", "--dry-run").stdout == b"1 photo to read, 8 known already, 1 gone\n"
    assert summary(index("photos")) == (1, 0, 8)


def test_the_catalogue_lies_where_it_is_asked_for(index, photos, catalogues, tmp_path):  # noqa: F811
    assert summary(index("photos", "--catalogue", "deep/kept")) == (9, 0, 0)
    assert (tmp_path / "deep" / "kept" / "catalogue.sqlite").is_file()
    assert not catalogues.exists()
    assert summary(index("photos", "--catalogue", "deep/kept")) == (0, 0, 9)
    other = index("paint", "--catalogue", "deep/kept")
    assert other.returncode == 2
    assert b"is the catalogue of" in other.stderr
    assert b"give --catalogue another folder" in other.stderr


def test_folders_are_a_library_each_and_one_that_is_away_keeps_none(index, zsl):
    result = index("photos/c3", "gone", "photos/scarlet")
    assert result.returncode == 1
    assert b"nothing to read: gone: no such file" in result.stderr
    listed = [json.loads(line) for line in
              zsl("catalogues", "list", "--jsonl").stdout.splitlines()]
    assert [os.path.basename(one["library"]) for one in listed] == ["c3", "scarlet"]
    assert [one["photos"] for one in listed] == [2, 5]


def test_what_is_indexed_is_labelled_without_a_photo(index, zsl, photos, tmp_path):  # noqa: F811
    index("photos")
    for number, options in enumerate(([], ["--top", "1"], ["--labels", "red,blue"],
                                      ["--keywords"], ["--threshold", "0.5"])):
        result = zsl("label", "photos", "-o", f"{number}.jsonl", "--model", "./paint", *options)
        assert summary(result) == (0, 0, 9)
        assert len(records(tmp_path / f"{number}.jsonl")) == 9
    assert {len(record["labels"]) for record in records(tmp_path / "1.jsonl")} == {1}


def test_nothing_to_read_is_a_wrong_use(index, tmp_path):
    (tmp_path / "empty").mkdir()
    for arguments in ((), ("empty",), ("nowhere",), ("photos", "--jobs", "0")):
        result = index(*arguments)
        assert result.returncode == 2
        assert b"Traceback" not in result.stderr


def test_a_library_borrows_from_the_catalogue_of_lists(zsl, model, large_library):  # noqa: F811
    paths = "\n".join(f"photos/{number:03}.jpg" for number in range(0, LARGE, 2)).encode()
    listed = ("index", "--files-from", "-", "--model", "./paint")
    assert summary(zsl(*listed, stdin=paths)) == (LARGE // 2, 0, 0)
    assert summary(zsl(*listed, stdin=paths)) == (0, 0, LARGE // 2)
    assert summary(zsl("index", "photos", "--model", "./paint")) == (LARGE // 2, 0, LARGE // 2)


@pytest.mark.usefixtures("large_library")
def test_ctrl_c_keeps_what_was_read(environment, zsl, catalogues, tmp_path):
    process = run_in_background(environment, tmp_path, "index", "photos")
    with stopped_in_the_middle(process, catalogues):
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert b"interrupted; run the same command again to go on" in err
    read, failed, known = summary(zsl("index", "photos"))
    assert (read + known, failed) == (LARGE, 0)
    assert known > 0
