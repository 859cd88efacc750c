"""``zsl label`` run again: what is new, changed, mended, moved or out of reach."""

import os
import shutil

import numpy as np
import pytest
from label_runs import change, database, names, records, summary


def test_a_second_run_does_nothing_and_a_third_what_is_new_or_changed(zsl, library, tmp_path):
    arguments = ("label", "photos", "-o", "labels.jsonl")
    assert summary(zsl(*arguments)) == (24, 0, 0)
    before = (tmp_path / "labels.jsonl").read_bytes()
    assert summary(zsl(*arguments)) == (0, 0, 24)
    assert (tmp_path / "labels.jsonl").read_bytes() == before
    shutil.copy(library / "a" / "00.jpg", library / "a" / "000.jpg")
    (library / "a" / "01.jpg").write_bytes((library / "c" / "20.jpg").read_bytes())
    (library / "b" / "09.jpg").unlink()
    assert summary(zsl(*arguments)) == (2, 0, 22)
    found = {record["path"]: record for record in records(tmp_path / "labels.jsonl")}
    assert list(found) == sorted(found)
    assert len(found) == 24
    assert "photos/b/09.jpg" not in found
    assert found["photos/a/01.jpg"]["labels"][0]["id"] == (
        found["photos/c/20.jpg"]["labels"][0]["id"])


def test_content_tells_whether_a_file_has_changed(zsl, library, tmp_path):
    arguments = ("label", "photos", "-o", "labels.jsonl")
    zsl(*arguments)
    os.utime(library / "a" / "00.jpg", (1, 1))  # touched, and the same
    assert summary(zsl(*arguments)) == (0, 0, 24)
    assert records(tmp_path / "labels.jsonl")[0]["mtime"] == 1
    path = library / "a" / "01.jpg"  # changed, with the size and the times of before
    status = path.stat()
    data = bytearray(path.read_bytes())
    data[-20] ^= 0xFF
    path.write_bytes(data)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert summary(zsl(*arguments)) == (1, 0, 23)


def test_check_content_reads_every_file(zsl, library, catalogues):
    arguments = ("label", "photos", "-o", "labels.jsonl")
    zsl(*arguments)
    change(catalogues, "UPDATE photos SET crc = crc + 1 WHERE name = CAST('03.jpg' AS BLOB)")
    assert summary(zsl(*arguments)) == (0, 0, 24)
    assert summary(zsl(*arguments, "--check-content")) == (1, 0, 23)


def test_failures_are_kept_until_they_are_retried_or_mended(zsl, library, tmp_path):
    (library / "a" / "bad.jpg").write_text("no photo")
    (library / "a" / "worse.jpg").touch()
    arguments = ("label", "photos", "-o", "labels.jsonl")
    assert summary(zsl(*arguments)) == (24, 2, 0)
    again = zsl(*arguments)
    assert summary(again) == (0, 0, 26)
    assert again.returncode == 1
    assert b"2 of these failed in an earlier run; --retry-failed" in again.stderr
    assert summary(zsl(*arguments, "--retry-failed")) == (0, 2, 24)
    shutil.copy(library / "b" / "08.jpg", library / "a" / "bad.jpg")
    assert summary(zsl(*arguments)) == (1, 0, 25)
    assert "labels" in records(tmp_path / "labels.jsonl")[8]


@pytest.mark.parametrize("options", [
    ("--top", "2"), ("--threshold", "0.2"), ("--labels", "cat,cup"), ("--under", "animal"),
    ("--keywords",), ("--paths",), ("--jobs", "1")])
def test_another_question_reads_no_photo(zsl, library, tmp_path, options):
    assert summary(zsl("label", "photos", "-o", "l.jsonl")) == (24, 0, 0)
    before = records(tmp_path / "l.jsonl")
    assert summary(zsl("label", "photos", "-o", "l.jsonl", *options)) == (0, 0, 24)
    assert (records(tmp_path / "l.jsonl") == before) == (options == ("--jobs", "1"))
    assert summary(zsl("label", "photos", "-o", "m.jsonl")) == (0, 0, 24)
    assert records(tmp_path / "m.jsonl") == before


def test_a_library_that_is_reached_by_another_name_is_known(zsl, library, tmp_path):
    assert summary(zsl("label", "photos", "-o", "l.jsonl")) == (24, 0, 0)
    assert summary(zsl("label", str(library), "photos/a", "photos/a/00.jpg", "-o",
                       "l.jsonl")) == (0, 0, 24)
    assert records(tmp_path / "l.jsonl")[0]["path"] == str(library / "a" / "00.jpg")


def test_a_file_that_changes_while_it_is_read_is_read_again_or_refused(library, monkeypatch):
    from zsl_cli import Model
    from zsl_cli.embedding import images
    from zsl_cli.errors import ImageError
    from zsl_cli.photos import photo

    model = Model.load()
    path = library / "a" / "00.jpg"
    other = (library / "c" / "20.jpg").read_bytes()
    writes = iter([other])

    def write(*arguments, **options):
        try:
            return load(*arguments, **options)
        finally:
            if (data := next(writes, None)) is not None:
                path.write_bytes(data)

    load = images.load
    monkeypatch.setattr(images, "load", write)
    changing = photo.Photo(str(path), 1)
    pixels = changing.read(model)
    assert changing.stamp == photo.Stamp.of(path.stat())
    assert changing.crc == photo.checksum_of(str(path))
    assert np.array_equal(pixels, load(str(library / "c" / "20.jpg"), model.preprocessing))
    writes = iter([b"x" * number for number in range(1, 9)])
    with pytest.raises(ImageError, match="changed while it was being read") as error:
        changing.read(model)
    assert error.value.kind == "changed"
    assert changing.stamp is None


def test_a_file_that_vanishes_during_the_run_is_an_error_and_gone_in_the_next(
        zsl, library, tmp_path):
    listed = [str(path) for path in sorted(library.rglob("*.jpg"))] + ["photos/gone.jpg"]
    result = zsl("label", "--files-from", "-", "-o", "l.jsonl", stdin="\n".join(listed).encode())
    assert result.returncode == 1
    assert records(tmp_path / "l.jsonl")[-1]["error"] == {"kind": "missing",
                                                          "message": "no such file"}
    assert summary(zsl("label", "photos", "-o", "l.jsonl")) == (0, 0, 24)
    assert len(records(tmp_path / "l.jsonl")) == 24


def test_times_that_no_clock_shows_do_no_harm(zsl, library, tmp_path):
    os.utime(library / "a" / "00.jpg", (10_413_792_000, 10_413_792_000))  # the year 2300
    os.utime(library / "a" / "01.jpg", (-10_000, -10_000))
    assert summary(zsl("label", "photos", "-o", "l.jsonl")) == (24, 0, 0)
    assert summary(zsl("label", "photos", "-o", "l.jsonl")) == (0, 0, 24)


def test_a_file_that_was_missing_and_is_there_now_is_labelled(zsl, library, catalogues):
    arguments = ("label", "photos/a/00.jpg", "photos/a/late.jpg", "-o", "l.jsonl")
    assert summary(zsl(*arguments)) == (1, 1, 0)
    change(catalogues, "UPDATE photos SET todo = 1 WHERE kind IS NOT NULL")  # as if it was killed
    shutil.copy(library / "b" / "08.jpg", library / "a" / "late.jpg")
    assert summary(zsl(*arguments)) == (1, 0, 1)


def test_a_failure_by_a_limit_is_tried_again_under_another_limit(zsl, library, tmp_path):
    assert summary(zsl("label", "photos/a", "-o", "l.jsonl", "--max-pixels", "99")) == (0, 8, 0)
    assert summary(zsl("label", "photos/a", "-o", "l.jsonl")) == (8, 0, 0)


def test_another_kind_of_search_reads_no_photo(zsl, library, tmp_path):
    assert summary(zsl("label", "photos/a", "-o", "l.jsonl", "--exact")) == (8, 0, 0)
    assert summary(zsl("label", "photos/a", "-o", "l.jsonl", "--hnsw", "--ef", "500")) == (0, 0, 8)
    assert len(records(tmp_path / "l.jsonl")) == 8


def test_a_library_may_be_moved_with_its_output(zsl, library, tmp_path):
    zsl("label", "photos", "-o", "photos/l.jsonl")
    os.rename(library, tmp_path / "moved")
    assert summary(zsl("label", "moved", "-o", "moved/l.jsonl")) == (0, 0, 24)


def test_a_folder_that_is_out_of_reach_keeps_its_labels(zsl, library, tmp_path):
    arguments = ("label", "photos/a", "photos/b", "-o", "l.jsonl")
    assert summary(zsl(*arguments)) == (16, 0, 0)
    os.rename(library / "b", tmp_path / "unplugged")
    result = zsl(*arguments)
    assert result.returncode == 1
    assert summary(result) == (0, 1, 16)
    assert len(records(tmp_path / "l.jsonl")) == 17
    os.rename(tmp_path / "unplugged", library / "b")
    assert summary(zsl(*arguments)) == (0, 0, 16)
    assert len(records(tmp_path / "l.jsonl")) == 16


def test_what_is_out_of_reach_is_kept_and_nothing_beside_it(zsl, library, tmp_path):
    shutil.copytree(library / "b", library / "bb")
    arguments = ("label", "photos/b", "photos/bb", "photos/c", "-o", "l.jsonl")
    assert summary(zsl(*arguments)) == (24, 0, 0)
    (library / "b" / "08.jpg").unlink()
    assert summary(zsl(*arguments)) == (0, 0, 23)
    os.rename(library / "b", tmp_path / "unplugged")
    (library / "bb" / "09.jpg").unlink()
    assert summary(zsl(*arguments)) == (0, 1, 22)
    found = [record["path"] for record in records(tmp_path / "l.jsonl")]
    assert len(set(found)) == len(found) == 23
    assert "photos/b/08.jpg" not in found
    assert "photos/bb/09.jpg" not in found
    assert "photos/b/09.jpg" in found


def test_what_is_not_chosen_is_neither_kept_nor_tagged(zsl, library, tmp_path):
    zsl("label", "photos/a", "photos/c", "-o", "l.jsonl")
    result = zsl("label", "photos/a", "photos/c", "-o", "l.jsonl", "--xmp", "--include", "2*",
                 "--confidence", "0.1")
    assert result.returncode == 1  # nothing was chosen from photos/a
    assert [name for name in names(tmp_path / "l.jsonl") if name.endswith("jpg")] == [
        "20.jpg", "21.jpg", "22.jpg", "23.jpg"]
    assert len(list(library.rglob("*.xmp"))) == 4


def test_a_missing_output_is_written_again_from_the_catalogue(zsl, library, tmp_path):
    zsl("label", "photos", "-o", "l.jsonl")
    before = (tmp_path / "l.jsonl").read_bytes()
    (tmp_path / "l.jsonl").unlink()
    assert summary(zsl("label", "photos", "-o", "l.jsonl")) == (0, 0, 24)
    assert (tmp_path / "l.jsonl").read_bytes() == before


def test_a_damaged_catalogue_is_refused_and_nothing_is_lost(zsl, library, tmp_path, catalogues):
    zsl("label", "photos", "-o", "l.jsonl")
    before = (tmp_path / "l.jsonl").read_bytes()
    path = database(catalogues)
    path.write_bytes(b"no database " * 1000)
    result = zsl("label", "photos", "-o", "l.jsonl")
    assert result.returncode == 2
    assert b"`zsl catalogues verify` says what can be saved" in result.stderr
    path.unlink()
    path.touch()
    change(catalogues, "CREATE TABLE something (x)")
    assert b"is no catalogue of zsl" in zsl("label", "photos", "-o", "l.jsonl").stderr
    assert (tmp_path / "l.jsonl").read_bytes() == before


def test_an_unreachable_library_takes_nothing_away(zsl, library, tmp_path):
    zsl("label", "photos", "-o", "l.jsonl")
    before = (tmp_path / "l.jsonl").read_bytes()
    os.rename(library, tmp_path / "unplugged")
    library.mkdir()
    assert zsl("label", "photos", "-o", "l.jsonl").returncode == 2
    assert (tmp_path / "l.jsonl").read_bytes() == before
    library.rmdir()
    os.rename(tmp_path / "unplugged", library)
    assert summary(zsl("label", "photos", "-o", "l.jsonl")) == (0, 0, 24)
