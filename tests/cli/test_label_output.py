"""What ``zsl label`` writes, and what it does not write over."""

import csv
import json
import os
import re
import shutil

import pytest
from label_runs import LARGE, database, records, summary


def test_csv_and_parquet_say_what_jsonl_says(zsl, library, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    (library / "c" / "zz.jpg").write_text("no photo")
    for name in ("l.jsonl", "l.csv", "l.parquet"):
        assert zsl("label", "photos", "-o", name, "--top", "2").returncode == 1
    expected = records(tmp_path / "l.jsonl")
    rows = list(csv.DictReader((tmp_path / "l.csv").read_text().splitlines()))
    assert len(rows) == 2 * 24 + 1
    flat = [(record, label) for record in expected for label in record.get("labels", [None])]
    for row, (record, label) in zip(rows, flat, strict=True):
        assert row["path"] == record["path"]
        assert (int(row["size"]), float(row["mtime"])) == (record["size"], record["mtime"])
        if label:
            assert (row["id"], row["label"]) == (label["id"], label["label"])
            assert float(row["score"]) == label["score"]
        else:
            assert (row["error"], row["error_kind"]) == (
                record["error"]["message"], record["error"]["kind"])
    table = parquet.read_table(tmp_path / "l.parquet").to_pylist()
    for row, record in zip(table, expected, strict=True):
        assert row["path"] == record["path"]
        assert row["size"] == record["size"]
        assert row["mtime"].timestamp() == pytest.approx(record["mtime"], abs=2e-6)
        assert row["error"] == record.get("error")
        assert [label["id"] for label in row["labels"] or []] == [
            label["id"] for label in record.get("labels", [])]


def test_the_format_is_the_names_or_the_one_that_is_given(zsl, library, tmp_path):
    assert zsl("label", "photos/a", "-o", "labels.dat", "--format", "csv").returncode == 0
    assert (tmp_path / "labels.dat").read_text().startswith("path,rank")
    result = zsl("label", "photos/a", "-o", "labels.txt")
    assert result.returncode == 2
    assert b"its name tells no format; call it .jsonl, .csv or .parquet" in result.stderr
    assert zsl("label", "photos/a", "-o", "-", "--format", "csv").returncode == 2


def test_a_spreadsheet_runs_no_file_name(zsl, photographs, tmp_path):
    hostile = ["=cmd|' C calc'!A0.jpg", "+1.jpg", "-1.jpg", "@x.jpg", "\tt.jpg", "\uff1dx.jpg"]
    for name in hostile:
        (tmp_path / name).write_bytes(photographs[0])
    (tmp_path / "list").write_text("\n".join(hostile))
    assert zsl("label", "--files-from", "list", "-o", "l.csv", "--top", "1").returncode == 0
    rows = list(csv.DictReader((tmp_path / "l.csv").read_text().splitlines()))
    assert [row["path"] for row in rows] == ["'" + name for name in hostile]


def test_a_file_of_somebody_else_is_not_replaced(zsl, library, tmp_path):
    (tmp_path / "l.jsonl").write_text("mine\n")
    result = zsl("label", "photos", "-o", "l.jsonl")
    assert result.returncode == 2
    assert (b"exists and was not written by an earlier run of the same command; give --force"
            in result.stderr)
    assert (tmp_path / "l.jsonl").read_text() == "mine\n"
    assert zsl("label", "photos", "-o", "l.jsonl", "--force").returncode == 0
    assert zsl("label", "photos", "-o", "l.jsonl").returncode == 0
    (tmp_path / "empty.jsonl").touch()
    assert zsl("label", "photos/a", "-o", "empty.jsonl").returncode == 0


def test_a_report_beside_a_stream_replaces_nothing_without_force(zsl, library, tmp_path):
    (tmp_path / "precious.html").write_text("thesis")
    assert zsl("label", "photos", "-o", "-", "--report", "precious.html").returncode == 2
    assert (tmp_path / "precious.html").read_text() == "thesis"


def test_a_failed_run_earns_no_right_to_replace(zsl, library, tmp_path):
    assert zsl("label", "nowhere", "-o", "l.csv").returncode == 2
    assert zsl("label", "photos", "-o", "l.csv", "--under", "nosuchlabel").returncode == 2
    (tmp_path / "l.csv").write_text("mine\n")
    assert zsl("label", "photos", "-o", "l.csv").returncode == 2
    assert (tmp_path / "l.csv").read_text() == "mine\n"


def test_an_output_that_somebody_edited_is_not_replaced(zsl, library, tmp_path):
    for _ in range(3):
        assert zsl("label", "photos", "-o", "l.csv").returncode == 0
    with (tmp_path / "l.csv").open("a") as file:
        file.write("mine\n")
    refused = zsl("label", "photos", "-o", "l.csv")
    assert refused.returncode == 2
    assert b"l.csv was changed since it was written; give --force" in refused.stderr
    assert zsl("label", "photos", "-o", "l.csv", "--force").returncode == 0
    assert "mine" not in (tmp_path / "l.csv").read_text()


def test_an_output_that_stays_the_same_is_left_alone(zsl, library, tmp_path):
    zsl("label", "photos", "-o", "l.jsonl")
    before = (tmp_path / "l.jsonl").stat()
    zsl("label", "photos", "-o", "l.jsonl")
    after = (tmp_path / "l.jsonl").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_the_report_never_shows_an_earlier_picture(zsl, library, tmp_path):
    arguments = ("label", "photos/a", "-o", "l.jsonl")
    report = ("--report", "r.html")
    zsl(*arguments, *report)
    page = (tmp_path / "r.html").read_text()
    shutil.copy(library / "c" / "20.jpg", library / "a" / "00.jpg")
    assert summary(zsl(*arguments)) == (1, 0, 7)
    assert summary(zsl(*arguments, *report)) == (1, 0, 7)

    def thumbnails(text):
        (found,) = re.findall(r'data-block="thumbnails">(.*?)</script>', text)
        return json.loads(found)

    before, after = thumbnails(page), thumbnails((tmp_path / "r.html").read_text())
    assert [one == other for one, other in zip(before, after, strict=True)] == [False] + [True] * 7


def test_a_dry_run_works_on_a_disk_that_cannot_be_written_to(zsl, library, disk):
    locked = disk(kilobytes=3000)
    output = str(locked.path / "l.jsonl")
    assert zsl("label", str(library / "a"), "-o", output).returncode == 0
    locked.read_only()
    result = zsl("label", str(library), "-o", output, "--dry-run")
    assert result.stdout.startswith(b"16 photos to read, 8 known already; would write")
    assert result.returncode == 0


def test_sidecar_failures_are_counted_apart_and_by_reason(zsl, library, tmp_path):
    for name in ("00", "01", "02"):
        (library / "a" / f"{name}.jpg.xmp").write_text("<broken")
    result = zsl("label", "photos/a", "--xmp", "--confidence", "0.1")
    assert result.returncode == 1
    assert summary(result) == (8, 0, 0)
    text = result.stderr.decode()
    assert "3 photos without keywords" in text
    assert len(re.findall(r"^     3 × ", text, re.MULTILINE)) == 1
    assert "5 sidecars changed" in text


def test_embedded_keywords_that_cannot_be_read_are_named_and_the_sidecar_is_written(zsl, library):
    photo = library / "a" / "00.jpg"
    data = b"http://ns.adobe.com/xap/1.0/\0<broken"
    photo.write_bytes(b"\xff\xd8\xff\xe1" + (len(data) + 2).to_bytes(2, "big") + data
                      + photo.read_bytes()[2:])
    result = zsl("label", "photos/a", "--xmp", "--confidence", "0.1")
    assert result.returncode == 0
    assert b"00.jpg.xmp: not all keywords embedded in the photo can be read" in result.stderr
    assert result.stderr.count(b"embedded") == 1
    assert b"8 sidecars changed" in result.stderr


def test_a_pipe_or_a_device_is_written_to(zsl, library):
    for _ in range(2):
        result = zsl("label", "photos", "-o", "/dev/stdout", "--format", "csv", "-q")
        assert result.returncode == 0
        assert len(result.stdout.splitlines()) == 1 + 24 * 5


def test_a_stream_keeps_nothing_and_makes_use_of_what_is_kept(zsl, library, catalogues):
    first = zsl("label", "photos", "-o", "-")
    assert summary(first) == (24, 0, 0)
    assert not catalogues.exists()
    assert summary(zsl("label", "photos/a", "-o", "l.jsonl")) == (8, 0, 0)
    before = database(catalogues).read_bytes()
    again = zsl("label", "photos", "-o", "-")
    assert summary(again) == (16, 0, 8)
    assert again.stdout == first.stdout
    assert database(catalogues).read_bytes() == before


@pytest.mark.parametrize(("output", "message"), [
    ("nowhere/l.jsonl", "there is no folder"), ("photos", "is a folder"),
    ("folder.jsonl", "is a folder"), ("/proc/l.jsonl", "cannot write"),
])
def test_an_output_that_cannot_be_written_is_refused_at_once(zsl, library, tmp_path, output,
                                                             message):
    (tmp_path / "folder.jsonl").mkdir()
    result = zsl("label", "photos", "-o", output)
    assert result.returncode == 2
    assert message in result.stderr.decode()
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize("option", ["-o", "--report", "--files-from"])
def test_an_empty_name_is_refused_before_anything_is_done(zsl, library, tmp_path, option):
    before = sorted(tmp_path.parent.iterdir())
    result = zsl("label", "photos", option, "")
    assert (result.returncode, result.stdout) == (2, b"")
    assert b"is empty" in result.stderr
    assert sorted(tmp_path.parent.iterdir()) == before


def test_excel_gets_the_csv_with_a_mark(zsl, library, tmp_path):
    assert zsl("label", "photos/a", "-o", "l.csv").returncode == 0
    assert zsl("label", "photos/a", "-o", "e.csv", "--format", "excel").returncode == 0
    assert (tmp_path / "e.csv").read_bytes() == b"\xef\xbb\xbf" + (tmp_path / "l.csv").read_bytes()


@pytest.mark.usefixtures("any_file_name")
def test_a_name_that_is_no_text_leaves_the_csv_text(zsl, library, tmp_path):
    os.rename(library / "a" / "00.jpg", os.fsencode(library / "a") + b"/\xe9t\xe9.jpg")
    result = zsl("label", "photos/a", "-o", "l.csv", "--top", "1")
    assert result.returncode == 0
    assert b"1 name not UTF-8: such bytes are \\udcXX in what is written" in result.stderr
    rows = list(csv.reader((tmp_path / "l.csv").read_text("utf-8").splitlines()))
    assert "photos/a/\\udce9t\\udce9.jpg" in [row[0] for row in rows]


def test_what_is_passed_over_is_said(zsl, library, tmp_path):
    os.symlink("00.jpg", library / "a" / "link.jpg")
    for name in ("one.NEF", "two.dng", "three.jxl"):
        (library / "a" / name).touch()
    (tmp_path / "without").mkdir()
    for module in ("rawpy", "pillow_jxl"):
        (tmp_path / "without" / f"{module}.py").write_text("raise ImportError")
    hidden = ("import importlib.util, sys\n"
              "plain = importlib.util.find_spec\n"
              "importlib.util.find_spec = lambda name, *more: (\n"
              "    None if name in ('rawpy', 'pillow_jxl') else plain(name, *more))\n")
    (tmp_path / "without" / "sitecustomize.py").write_text(hidden)
    result = zsl("label", "photos/a", "-o", "l.jsonl",
                 env={"PYTHONPATH": str(tmp_path / "without")})
    assert summary(result) == (8, 0, 0)
    said = result.stderr.decode()
    assert "1 symbolic link not followed; --follow-links follows them" in said
    assert "2 raw files not read: pip install 'zsl-cli[raw]'" in said
    assert "1 JPEG XL file not read: pip install 'zsl-cli[jxl]'" in said


def test_without_a_data_folder_all_is_written_all_the_same(zsl, library, tmp_path):
    for _ in range(2):
        result = zsl("label", "photos/a", "--xmp", "-o", "l.jsonl", "--force",
                     env={"HOME": "/dev/null/no", "XDG_DATA_HOME": ""})
        assert result.returncode == 0
        assert summary(result) == (8, 0, 0)
        assert b"cannot be written to, so that the next run begins anew; give --catalogue a " in (
            result.stderr)
    assert len(records(tmp_path / "l.jsonl")) == 8
    kept = zsl("label", "photos/a", "-o", "l.jsonl", "--force", "--catalogue", "kept",
               env={"HOME": "/dev/null/no", "XDG_DATA_HOME": ""})
    assert b"cannot" not in kept.stderr
    assert (tmp_path / "kept" / "catalogue.sqlite").exists()


def test_a_full_disk_leaves_the_earlier_output(zsl, large_library, disk, tmp_path):
    small_disk = disk(kilobytes=3000).path
    output = small_disk / "l.jsonl"
    assert zsl("label", str(large_library), "-o", str(output), "--include",
               "00*").returncode == 0
    before = output.read_bytes()
    free = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(bytes(free.f_bavail * free.f_frsize - 8192))
    result = zsl("label", str(large_library), "-o", str(output))
    assert result.returncode == 2
    assert b"no space left" in result.stderr.lower()
    assert b"Traceback" not in result.stderr
    assert output.read_bytes() == before
    assert sorted(path.name for path in small_disk.iterdir()) == ["filler", "l.jsonl"]
    (small_disk / "filler").unlink()
    assert summary(zsl("label", str(large_library), "-o", str(output))) == (0, 0, LARGE)
    assert len(records(output)) == LARGE


def test_a_catalogue_on_a_full_disk_keeps_what_was_done(zsl, large_library, disk, tmp_path):
    small_disk = disk(kilobytes=1000).path
    arguments = ("label", "photos", "-o", "l.jsonl", "--catalogue", str(small_disk / "kept"))
    assert summary(zsl(*arguments, "--include", "00*")) == (10, 0, 0)
    before = (tmp_path / "l.jsonl").read_bytes()
    free = os.statvfs(small_disk)
    (small_disk / "filler").write_bytes(bytes(free.f_bavail * free.f_frsize - 65536))
    result = zsl(*arguments)
    assert result.returncode == 2
    assert b"no space left" in result.stderr.lower()
    assert b"Traceback" not in result.stderr
    assert (tmp_path / "l.jsonl").read_bytes() == before
    (small_disk / "filler").unlink()
    read, failed, known = summary(zsl(*arguments))
    assert (read + known, failed) == (LARGE, 0)
    assert known >= 10
    assert len(records(tmp_path / "l.jsonl")) == LARGE


def test_a_read_only_disk_is_refused_at_once(zsl, library, disk):
    locked = disk(kilobytes=3000)
    output = locked.path / "l.jsonl"
    assert zsl("label", str(library), "-o", str(output)).returncode == 0
    before = output.read_bytes()
    locked.read_only()
    for name in ("l.jsonl", "new.jsonl"):
        result = zsl("label", str(library), "-o", str(locked.path / name))
        assert result.returncode == 2
        assert b"cannot write" in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert output.read_bytes() == before


def test_a_dry_run_writes_nothing(zsl, library, tmp_path):
    assert zsl("label", "photos/a", "-o", "m.jsonl").returncode == 0
    before = sorted(tmp_path.rglob("*"))
    assert zsl("label", "photos", "-o", "m.jsonl", "--dry-run").stdout.startswith(
        b"16 photos to read, 8 known already")
    result = zsl("label", "photos", "-o", "l.jsonl", "--dry-run")
    assert b"16 photos to read, 8 known already; would write l.jsonl" in result.stdout
    result = zsl("label", "photos/a", "--xmp", "--dry-run", "--labels", "cat,person",
                 "--confidence", "0")
    assert b"+++ photos/a/00.jpg.xmp" in result.stdout
    assert re.search(rb"^\+.*<rdf:li>person</rdf:li>", result.stdout, re.MULTILINE)
    assert sorted(tmp_path.rglob("*")) == before
