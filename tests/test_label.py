"""``zsl label``: the real command line over real photographs, and over what is none."""

import csv
import io
import itertools
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager

import numpy as np
import pytest
from PIL import Image


def records(path):
    """The records of a JSONL file."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def names(path):
    """The file names in a JSONL file, in order."""
    return [os.path.basename(record["path"]) for record in records(path)]


@pytest.fixture(scope="session")
def photographs(tmp_path_factory, skimage_photos):
    """24 different crops of photographs as JPEG bytes."""
    found = []
    for name in ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"):
        with Image.open(skimage_photos / name) as opened:
            image = opened.convert("RGB")
        for number in range(6):
            side = min(image.size) * (10 - number) // 10
            file = io.BytesIO()
            image.crop((number * 7, number * 3, number * 7 + side, number * 3 + side)).resize(
                (160, 160)).save(file, "JPEG")
            found.append(file.getvalue())
    return found


@pytest.fixture
def library(tmp_path, photographs):
    """A folder of 24 photographs in three folders."""
    folder = tmp_path / "photos"
    for number, data in enumerate(photographs):
        below = folder / "abc"[number // 8]
        below.mkdir(parents=True, exist_ok=True)
        (below / f"{number:02}.jpg").write_bytes(data)
    return folder


def summary(result):
    """(labelled, failed, skipped) of the closing summary."""
    found = re.search(r"([\d,]+) photos? labelled, ([\d,]+) failed, ([\d,]+) skipped",
                      result.stderr.decode())
    return tuple(int(number.replace(",", "")) for number in found.groups())


def test_every_photo_gets_a_record_in_the_order_of_the_walk(zsl, library, tmp_path):
    (library / "b" / "notes.txt").write_text("no photo")
    result = zsl("label", "photos", "-o", "labels.jsonl", "--top", "3")
    assert result.returncode == 0
    assert result.stdout == b""
    assert summary(result) == (24, 0, 0)
    found = records(tmp_path / "labels.jsonl")
    assert [record["path"] for record in found] == sorted(
        str(path.relative_to(tmp_path)) for path in library.rglob("*.jpg"))
    for record in found:
        status = os.stat(tmp_path / record["path"])
        assert record["size"] == status.st_size
        assert record["mtime"] == pytest.approx(status.st_mtime, abs=1e-6)
        assert (record["model"], record["vocabulary"]) == ("default", "default")
        assert record["version"]
        scores = [label["score"] for label in record["labels"]]
        assert len(scores) == 3
        assert scores == sorted(scores, reverse=True)
        assert list(record["labels"][0]) == ["id", "label", "score"]


def test_it_says_the_same_as_classify(zsl, library, tmp_path):
    zsl("label", "photos", "-o", "labels.jsonl")
    classified = [json.loads(line) for line in
                  zsl("classify", "photos", "--jsonl", "--exact").stdout.splitlines()]
    for one, other in zip(records(tmp_path / "labels.jsonl"), classified, strict=True):
        assert one["path"] == other["path"]
        assert [label["id"] for label in one["labels"]] == [
            label["id"] for label in other["labels"]]
        assert [label["score"] for label in one["labels"]] == pytest.approx(
            [label["score"] for label in other["labels"]], abs=1e-5)


def test_the_options_of_classify_work_alike(zsl, library, tmp_path):
    (tmp_path / "labels.txt").write_text("cat\ncup\n")
    result = zsl("label", "photos", "--labels", "rocket", "--labels-file", "labels.txt",
                 "--jobs", "1", "--batch-size", "3", "--device", "cpu", "-v")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(found) == 24
    assert all(sorted(label["label"] for label in record["labels"]) == ["cat", "cup", "rocket"]
               for record in found)
    assert b"model default on cpu" in result.stderr
    under = zsl("label", "photos/b", "--under", "animal", "--threshold", "0.05", "-q")
    assert under.stderr == b""
    for line in under.stdout.splitlines():
        assert all(label["score"] >= 0.05 for label in json.loads(line)["labels"])
    for option in (["--top", "0"], ["--threshold", "nan"], ["--device", "gpu"],
                   ["--labels", "🐱"], ["--model", "zzz"], ["--include", "[z-a]"]):
        wrong = zsl("label", "photos", *option, "-o", "never.jsonl")
        assert wrong.returncode == 2
        assert b"Traceback" not in wrong.stderr
        assert not (tmp_path / "never.jsonl").exists()


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


@pytest.mark.parametrize("output", ["l.jsonl", "l.csv", "l.parquet", "-"])
def test_names_that_are_not_text_come_through(zsl, photographs, tmp_path, output):
    if output.endswith("parquet"):
        pytest.importorskip("pyarrow")
    folder = os.path.join(os.fsencode(tmp_path), b"p\xff")
    os.mkdir(folder)
    for name in (b"\xfe\n.jpg", b"a\x1b[31m.jpg"):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(photographs[0])
    result = zsl("label", b"p\xff", "-o", output, "-v")
    assert result.returncode == 0
    assert b"\x1b[31m" not in result.stderr
    if output.endswith("jsonl") or output == "-":
        data = result.stdout if output == "-" else (tmp_path / output).read_bytes()
        assert [os.fsencode(json.loads(line)["path"]) for line in data.splitlines()] == [
            b"p\xff/a\x1b[31m.jpg", b"p\xff/\xfe\n.jpg"]


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


def test_check_content_reads_every_file(zsl, library, tmp_path):
    arguments = ("label", "photos", "-o", "labels.jsonl")
    zsl(*arguments)
    with sqlite3.connect(tmp_path / ".labels.jsonl.zsl-journal") as journal:  # as if it had lied
        journal.execute("UPDATE photos SET crc = crc + 1 WHERE CAST(path AS TEXT) LIKE '%03.jpg'")
    journal.close()
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
    assert b"2 of those skipped failed in an earlier run; --retry-failed" in again.stderr
    assert summary(zsl(*arguments, "--retry-failed")) == (0, 2, 24)
    shutil.copy(library / "b" / "08.jpg", library / "a" / "bad.jpg")
    assert summary(zsl(*arguments)) == (1, 0, 25)
    assert "labels" in records(tmp_path / "labels.jsonl")[8]


def test_other_settings_label_everything_anew(zsl, library, tmp_path):
    assert summary(zsl("label", "photos", "-o", "l.jsonl")) == (24, 0, 0)
    assert summary(zsl("label", "photos", "-o", "l.jsonl", "--top", "2")) == (24, 0, 0)
    assert all(len(record["labels"]) == 2 for record in records(tmp_path / "l.jsonl"))
    assert summary(zsl("label", "photos", "-o", "l.jsonl", "--jobs", "1", "--top",
                       "2")) == (0, 0, 24)


def test_a_library_that_is_reached_by_another_name_is_known(zsl, library, tmp_path):
    assert summary(zsl("label", "photos", "-o", "l.jsonl")) == (24, 0, 0)
    assert summary(zsl("label", str(library), "photos/a", "photos/a/00.jpg", "-o",
                       "l.jsonl")) == (0, 0, 24)
    assert records(tmp_path / "l.jsonl")[0]["path"] == str(library / "a" / "00.jpg")


def test_links_are_left_alone_or_followed_once(zsl, library, tmp_path):
    os.symlink("00.jpg", library / "a" / "link.jpg")
    os.symlink("../b", library / "a" / "more")
    os.symlink("..", library / "c" / "up")
    assert summary(zsl("label", "photos", "-o", "l.jsonl")) == (24, 0, 0)
    assert summary(zsl("label", "photos", "-o", "m.jsonl", "--follow-links")) == (24, 0, 0)


def test_paths_are_read_from_a_list(zsl, library, tmp_path):
    listed = ["photos/c/20.jpg", "photos/a/00.jpg", "nothing.jpg"]
    result = zsl("label", "--files-from", "-", stdin="\n".join(listed).encode())
    assert [json.loads(line)["path"] for line in result.stdout.splitlines()] == listed
    assert result.returncode == 1
    result = zsl("label", "--files-from", "-", "-o", "l.jsonl",
                 stdin="\0".join(listed[:2]).encode())
    assert names(tmp_path / "l.jsonl") == ["20.jpg", "00.jpg"]
    assert zsl("label", "--files-from", "nowhere").returncode == 2
    assert zsl("label").returncode == 2


def test_include_and_exclude_choose(zsl, library, tmp_path):
    zsl("label", "photos", "-o", "l.jsonl", "--include", "*1*.jpg", "--exclude", "c")
    assert names(tmp_path / "l.jsonl") == [
        "01.jpg", "10.jpg", "11.jpg", "12.jpg", "13.jpg", "14.jpg", "15.jpg"]


DAMAGE = {
    "truncated": lambda data, random: data[:random.integers(20, len(data) - 400)],
    "empty": lambda data, random: b"",
    "text": lambda data, random: b"<html>not found</html>",
    "header only": lambda data, random: data[:2],
    "zeros": lambda data, random: bytes(len(data)),
    "noise": lambda data, random: random.bytes(3000),
    "head replaced": lambda data, random: random.bytes(300) + data[300:],
    "no size": lambda data, random: data.replace(b"\xff\xc0", b"\xff\xee"),
    "png cut": lambda data, random: _png(data)[:random.integers(10, 2000)],
    "png broken": lambda data, random: _broken(_png(data), random),
    "bomb": lambda data, random: (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + b"\0\1\x86\xa0" * 2
                                  + b"\x08\2\0\0\0" + random.bytes(100)),
    "gif cut": lambda data, random: b"GIF89a\x40\0\x40\0\xf7\0\0" + random.bytes(200),
}


def _png(data):
    file = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        image.save(file, "PNG")
    return file.getvalue()


def _broken(data, random):
    return data[:60] + random.bytes(400) + data[460:]


def test_500_damaged_images_among_100_good_ones(zsl, photographs, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    random = np.random.default_rng(5)
    kinds = list(DAMAGE)
    for number in range(500):
        data = photographs[number % len(photographs)]
        if number % 5 == 0:
            (folder / f"{number:03}-good.jpg").write_bytes(data)
        kind = kinds[number % len(kinds)]
        (folder / f"{number:03}-{kind}.{'png' if kind in ('bomb',) else 'jpg'}").write_bytes(
            DAMAGE[kind](data, random))
    result = zsl("label", "photos", "-o", "l.jsonl")
    assert result.returncode == 1
    assert summary(result) == (100, 500, 0)
    found = records(tmp_path / "l.jsonl")
    assert len(found) == 600
    for record in found:
        if "-good" in record["path"]:
            assert len(record["labels"]) == 5
        else:
            assert record["error"]["kind"] in ("image", "limit")
            assert record["error"]["message"]
    counted = re.findall(r"^     ([\d,]+) × (.+)$", result.stderr.decode(), re.MULTILINE)
    assert sum(int(number.replace(",", "")) for number, _ in counted) <= 500
    assert len(counted) >= 5
    assert len(result.stderr.splitlines()) < 40


def test_a_file_that_changes_while_it_is_read_is_read_again_or_refused(library, monkeypatch):
    from zsl_cli import Model, images
    from zsl_cli.errors import ImageError
    from zsl_cli.labeling import photo

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


def run_in_background(environment, cwd, *arguments):
    """One thread, so that there is time to disturb it on fast machines too."""
    return subprocess.Popen([sys.executable, "-m", "zsl_cli", *arguments, "--jobs", "1"], cwd=cwd,
                            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


LARGE = 240  # photographs, of which a run notes 32 at a time


@pytest.fixture
def large_library(tmp_path, photographs):
    """So many photographs that there is time to look in between."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(LARGE):
        (folder / f"{number:03}.jpg").write_bytes(photographs[number % 24])
    return folder


def done(journal):
    """How many photos a journal has, read while it is held: from a copy in a folder of its own,
    since SQLite may leave files beside a half-made one that spoil the reading of the next."""
    with tempfile.TemporaryDirectory(dir=journal.parent) as folder:
        copy = os.path.join(folder, "journal")
        for suffix in ("", "-wal"):
            if os.path.exists(f"{journal}{suffix}"):
                shutil.copy(f"{journal}{suffix}", f"{copy}{suffix}")
        try:
            with closing(sqlite3.connect(copy)) as connection:
                return connection.execute(
                    "SELECT count(*) FROM photos WHERE NOT todo").fetchone()[0]
        except sqlite3.Error:
            return 0


@contextmanager
def stopped_in_the_middle(process, journal, more_than=0):
    """Within it the process is stopped, its journal having more than so many photos. Were it to
    run on while somebody looks, it might be done before anything is done to it."""
    process.send_signal(signal.SIGSTOP)
    while done(journal) <= more_than:
        process.send_signal(signal.SIGCONT)
        time.sleep(0.02)
        assert process.poll() is None
        process.send_signal(signal.SIGSTOP)
    assert process.poll() is None
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def interrupt_soon(process, journal):
    """Ctrl-C, when a run with -v has labelled some photos."""
    process.stderr.readline()  # what is used; the journal says by now what there is to do
    with stopped_in_the_middle(process, journal, more_than=done(journal)):
        process.send_signal(signal.SIGINT)


def test_a_terminal_sees_a_bar_and_then_the_summary(environment, large_library, tmp_path):
    pty = pytest.importorskip("pty")
    (large_library / "000-bad.jpg").write_text("no photo")
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "zsl_cli", "label", "photos", "-o", "l.jsonl", "--jobs", "1"],
        cwd=tmp_path, env={**environment, "TERM": "xterm", "COLUMNS": "100"}, stderr=follower)
    os.close(follower)
    seen = b""
    while True:
        try:
            seen += os.read(leader, 65536)
        except OSError:  # Linux' way to say that the other end is closed
            break
    os.close(leader)
    assert process.wait(30) == 1
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode())
    assert re.search(rf"labelling .* \d+ of {LARGE + 1} images · \d+ images/s · [\d.]+ s left · "
                     "1 failed", text)
    assert "zsl: photos/000-bad.jpg: not an image in a known format" in text
    assert text.rstrip().splitlines()[-1].strip() == "written: l.jsonl"
    assert f"{LARGE} photos labelled, 1 failed" in text


def test_ctrl_c_leaves_what_is_done_on_disk(environment, zsl, large_library, tmp_path):
    process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl")
    with stopped_in_the_middle(process, tmp_path / ".l.jsonl.zsl-journal"):
        process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGINT)  # its echo
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in err
    assert b"interrupted; run the same command again to go on" in err
    before = records(tmp_path / "l.jsonl")
    assert 0 < len(before) < LARGE
    labelled, failed, skipped = summary(zsl("label", "photos", "-o", "l.jsonl"))
    assert (labelled + skipped, failed) == (LARGE, 0)
    assert skipped == len(before)
    assert records(tmp_path / "l.jsonl")[:len(before)] == before
    assert names(tmp_path / "l.jsonl") == [f"{number:03}.jpg" for number in range(LARGE)]


def test_an_output_whose_run_did_not_end_well_is_not_shrunk_either(
        environment, zsl, large_library, tmp_path):
    os.symlink("/dev/full", tmp_path / "r.html")
    failed = zsl("label", "photos", "-o", "l.jsonl", "--report", "r.html")
    assert failed.returncode == 2
    before = (tmp_path / "l.jsonl").read_bytes()
    assert len(before.splitlines()) == LARGE
    process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl",
                                "--top", "2", "-v")
    interrupt_soon(process, tmp_path / ".l.jsonl.zsl-journal")
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"l.jsonl is left as it was before this run" in err
    assert (tmp_path / "l.jsonl").read_bytes() == before


def test_an_output_that_is_edited_during_the_run_is_not_replaced(environment, zsl, large_library,
                                                                 tmp_path):
    zsl("label", "photos", "-o", "l.jsonl", "--include", "00*")
    process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl")
    with (stopped_in_the_middle(process, tmp_path / ".l.jsonl.zsl-journal", more_than=10),
          (tmp_path / "l.jsonl").open("a") as file):
        file.write("mine\n")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2
    assert b"was changed since" in err
    assert "mine" in (tmp_path / "l.jsonl").read_text()
    assert summary(zsl("label", "photos", "-o", "l.jsonl", "--force")) == (0, 0, LARGE)


def test_a_terminal_that_is_closed_is_like_ctrl_c(environment, large_library, tmp_path):
    pty = pytest.importorskip("pty")
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "zsl_cli", "label", "photos", "-o", "l.jsonl", "--jobs", "1"],
        cwd=tmp_path, env={**environment, "TERM": "xterm"}, stdin=follower, stdout=follower,
        stderr=follower, start_new_session=True)
    os.close(follower)
    os.set_blocking(leader, False)
    with stopped_in_the_middle(process, tmp_path / ".l.jsonl.zsl-journal"):
        os.close(leader)
        process.send_signal(signal.SIGHUP)
    assert process.wait(30) == 129
    assert 0 < len(records(tmp_path / "l.jsonl")) < LARGE


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_being_asked_to_end_is_like_ctrl_c(environment, large_library, tmp_path, name):
    process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl")
    with stopped_in_the_middle(process, tmp_path / ".l.jsonl.zsl-journal"):
        process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + getattr(signal, name)
    assert b"interrupted" in err
    assert 0 < len(records(tmp_path / "l.jsonl")) < LARGE


def test_an_interrupt_never_shrinks_a_finished_output(environment, zsl, large_library, tmp_path):
    zsl("label", "photos", "-o", "l.jsonl")
    before = (tmp_path / "l.jsonl").read_bytes()
    for options in (["--top", "2"], []):
        with sqlite3.connect(tmp_path / ".l.jsonl.zsl-journal") as journal:
            journal.execute("UPDATE photos SET crc = NULL WHERE id > 100")
        journal.close()
        process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl",
                                    "-v", *options)
        interrupt_soon(process, tmp_path / ".l.jsonl.zsl-journal")
        process.communicate(timeout=30)
        assert process.returncode == 130
        assert (tmp_path / "l.jsonl").read_bytes() == before


def test_an_interrupted_run_with_other_settings_leaves_the_finished_output(
        environment, zsl, large_library, tmp_path):
    zsl("label", "photos", "-o", "l.jsonl", "--top", "1")
    before = (tmp_path / "l.jsonl").read_bytes()
    process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl", "-v")
    interrupt_soon(process, tmp_path / ".l.jsonl.zsl-journal")
    process.communicate(timeout=30)
    assert process.returncode == 130
    assert (tmp_path / "l.jsonl").read_bytes() == before
    zsl("label", "photos", "-o", "l.jsonl")
    assert all(len(record["labels"]) == 5 for record in records(tmp_path / "l.jsonl"))


def test_a_second_run_onto_the_same_output_is_refused(environment, zsl, large_library, tmp_path):
    process = run_in_background(environment, tmp_path, "label", "photos", "-o", "l.jsonl")
    try:
        with stopped_in_the_middle(process, tmp_path / ".l.jsonl.zsl-journal"):
            refused = zsl("label", "photos", "-o", "l.jsonl")
            assert refused.returncode == 2
            assert b"another zsl label is writing to the same output" in refused.stderr
            elsewhere = zsl("label", "photos", "-o", "m.jsonl", "--include", "00*")
            assert elsewhere.returncode == 0
        process.communicate(timeout=60)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
    assert len(records(tmp_path / "l.jsonl")) == LARGE


def test_a_file_of_somebody_else_is_not_replaced(zsl, library, tmp_path):
    (tmp_path / "l.jsonl").write_text("mine\n")
    result = zsl("label", "photos", "-o", "l.jsonl")
    assert result.returncode == 2
    assert b"exists and was not written by this zsl label; give --force" in result.stderr
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
    assert b"l.csv was changed since zsl label wrote it; give --force" in refused.stderr
    assert zsl("label", "photos", "-o", "l.csv", "--force").returncode == 0
    assert "mine" not in (tmp_path / "l.csv").read_text()


def test_an_output_that_stays_the_same_is_left_alone(zsl, library, tmp_path):
    zsl("label", "photos", "-o", "l.jsonl")
    before = (tmp_path / "l.jsonl").stat()
    zsl("label", "photos", "-o", "l.jsonl")
    after = (tmp_path / "l.jsonl").stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_times_that_no_clock_shows_do_no_harm(zsl, library, tmp_path):
    os.utime(library / "a" / "00.jpg", (10_413_792_000, 10_413_792_000))  # the year 2300
    os.utime(library / "a" / "01.jpg", (-10_000, -10_000))
    assert summary(zsl("label", "photos", "-o", "l.jsonl")) == (24, 0, 0)
    assert summary(zsl("label", "photos", "-o", "l.jsonl")) == (0, 0, 24)


def test_a_link_to_itself_named_like_a_tool_folder_does_no_harm(zsl, library, tmp_path):
    os.symlink("node_modules", library / "node_modules")
    assert summary(zsl("label", "photos", "-o", "l.jsonl")) == (24, 0, 0)
    assert summary(zsl("label", "photos", "-o", "m.jsonl", "--follow-links")) == (24, 0, 0)


def test_a_file_that_was_missing_and_is_there_now_is_labelled(zsl, library, tmp_path):
    arguments = ("label", "photos/a/00.jpg", "photos/a/late.jpg", "-o", "l.jsonl")
    assert summary(zsl(*arguments)) == (1, 1, 0)
    with sqlite3.connect(tmp_path / ".l.jsonl.zsl-journal") as journal:  # as if it was killed
        journal.execute("UPDATE photos SET settings = NULL, todo = 1 WHERE kind IS NOT NULL")
    journal.close()
    shutil.copy(library / "b" / "08.jpg", library / "a" / "late.jpg")
    assert summary(zsl(*arguments)) == (1, 0, 1)


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


def test_a_failure_by_a_limit_is_tried_again_under_another_limit(zsl, library, tmp_path):
    assert summary(zsl("label", "photos/a", "-o", "l.jsonl", "--max-pixels", "99")) == (0, 8, 0)
    assert summary(zsl("label", "photos/a", "-o", "l.jsonl")) == (8, 0, 0)


def test_the_kind_of_search_is_one_of_the_settings(zsl, library, tmp_path):
    assert summary(zsl("label", "photos/a", "-o", "l.jsonl", "--exact")) == (8, 0, 0)
    assert summary(zsl("label", "photos/a", "-o", "l.jsonl", "--hnsw")) == (8, 0, 0)
    assert summary(zsl("label", "photos/a", "-o", "l.jsonl", "--hnsw")) == (0, 0, 8)
    wide = ("label", "photos/a", "-o", "l.jsonl", "--hnsw", "--ef", "500")
    assert summary(zsl(*wide)) == (8, 0, 0)
    assert summary(zsl(*wide)) == (0, 0, 8)


def test_a_dry_run_works_on_a_disk_that_cannot_be_written_to(zsl, library, small_disk):
    output = str(small_disk / "l.jsonl")
    assert zsl("label", str(library / "a"), "-o", output).returncode == 0
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    result = zsl("label", str(library), "-o", output, "--dry-run")
    assert result.stdout.startswith(b"16 photos to label, 8 done already; would write")
    assert result.returncode == 0


def test_sidecar_failures_are_counted_apart_and_by_reason(zsl, library, tmp_path):
    for name in ("00", "01", "02"):
        (library / "a" / f"{name}.jpg.xmp").write_text("<broken")
    result = zsl("label", "photos/a", "--xmp")
    assert result.returncode == 1
    assert summary(result) == (8, 0, 0)
    text = result.stderr.decode()
    assert "3 photos without keywords" in text
    assert len(re.findall(r"^     3 × ", text, re.MULTILINE)) == 1
    assert "5 sidecars changed" in text


def test_a_list_is_literal(zsl, photographs, tmp_path):
    (tmp_path / "y1.jpg").write_bytes(photographs[0])
    (tmp_path / "y[2].jpg").write_bytes(photographs[1])
    result = zsl("label", "--files-from", "-", stdin=b"\xef\xbb\xbfy[2].jpg\ny[1].jpg\n")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [("labels" in record, record["path"]) for record in found] == [
        (True, "y[2].jpg"), (False, "y[1].jpg")]


def test_a_library_may_be_moved_with_its_journal(zsl, library, tmp_path):
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
    result = zsl("label", "photos/a", "photos/c", "-o", "l.jsonl", "--xmp", "--include", "2*")
    assert result.returncode == 1  # nothing was chosen from photos/a
    assert [name for name in names(tmp_path / "l.jsonl") if name.endswith("jpg")] == [
        "20.jpg", "21.jpg", "22.jpg", "23.jpg"]
    assert len(list(library.rglob("*.xmp"))) == 4


def test_a_library_that_is_named_twice_counts_once(zsl, library):
    for options in ([], ["--follow-links"]):
        result = zsl("label", "photos", "photos", "photos/a", "-o", f"l{len(options)}.jsonl",
                     *options)
        assert result.returncode == 0
        assert summary(result) == (24, 0, 0)


@pytest.mark.parametrize(("arguments", "message"), [
    (["photos", "--format", "csv", "--report", "r.html"], "--format is for the file"),
    (["photos", "--xmp-naming", "full"], "--xmp-naming is for --xmp"),
    (["-"], "give --files-from -"), ([], "name a FOLDER, or give --files-from"),
    (["photos", "-o", "x.html", "--format", "csv", "--report", "x.html"], "both the output and"),
    (["photos", "--include", "*.gif"], "no images in this folder that --include and --exclude"),
])
def test_options_that_make_no_sense_together_are_refused(zsl, library, arguments, message):
    result = zsl("label", *arguments)
    assert result.returncode == 2
    assert message in " ".join(result.stderr.decode().split())


def test_a_pipe_or_a_device_is_written_to_and_gets_no_journal(zsl, library, tmp_path):
    result = zsl("label", "photos", "-o", "/dev/stdout", "--format", "csv", "-q")
    assert result.returncode == 0
    assert len(result.stdout.splitlines()) == 1 + 24 * 5
    assert not os.path.exists("/dev/.stdout.zsl-journal")


def test_a_missing_output_is_written_again_from_the_journal(zsl, library, tmp_path):
    zsl("label", "photos", "-o", "l.jsonl")
    before = (tmp_path / "l.jsonl").read_bytes()
    (tmp_path / "l.jsonl").unlink()
    assert summary(zsl("label", "photos", "-o", "l.jsonl")) == (0, 0, 24)
    assert (tmp_path / "l.jsonl").read_bytes() == before


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


@pytest.fixture
def small_disk(tmp_path):
    """A file system of three megabytes, where mounting is allowed."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "zsl-test", str(place)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True,
                                                 check=False).returncode:
        pytest.skip("needs a file system of its own, and mounting one is not allowed here")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


def test_a_full_disk_leaves_the_earlier_output(zsl, large_library, small_disk):
    output = small_disk / "l.jsonl"
    assert zsl("label", str(large_library), "-o", str(output), "--include",
               "00*").returncode == 0
    before = output.read_bytes()
    (small_disk / "filler").write_bytes(bytes(os.statvfs(small_disk).f_bavail * 4096 - 8192))
    result = zsl("label", str(large_library), "-o", str(output))
    assert result.returncode == 2
    assert b"no space left" in result.stderr.lower()
    assert b"Traceback" not in result.stderr
    assert output.read_bytes() == before
    assert sorted(path.name for path in small_disk.iterdir() if "journal" not in path.name) == [
        "filler", "l.jsonl"]
    (small_disk / "filler").unlink()
    assert zsl("label", str(large_library), "-o", str(output)).returncode == 0
    assert len(records(output)) == LARGE


def test_a_read_only_disk_is_refused_at_once(zsl, library, small_disk):
    output = small_disk / "l.jsonl"
    assert zsl("label", str(library), "-o", str(output)).returncode == 0
    before = output.read_bytes()
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for name in ("l.jsonl", "new.jsonl"):
        result = zsl("label", str(library), "-o", str(small_disk / name))
        assert result.returncode == 2
        assert b"cannot write" in result.stderr
        assert len(result.stderr.splitlines()) == 1
    assert output.read_bytes() == before


def test_a_damaged_journal_is_refused_and_nothing_is_lost(zsl, library, tmp_path):
    zsl("label", "photos", "-o", "l.jsonl")
    before = (tmp_path / "l.jsonl").read_bytes()
    journal = tmp_path / ".l.jsonl.zsl-journal"
    journal.write_bytes(b"no database " * 1000)
    result = zsl("label", "photos", "-o", "l.jsonl")
    assert result.returncode == 2
    assert b"move it away" in result.stderr
    journal.unlink()
    with sqlite3.connect(journal) as other:
        other.execute("CREATE TABLE something (x)")
    other.close()
    assert b"is no journal of this version" in zsl("label", "photos", "-o", "l.jsonl").stderr
    assert (tmp_path / "l.jsonl").read_bytes() == before


def test_a_dry_run_writes_nothing(zsl, library, tmp_path):
    assert zsl("label", "photos/a", "-o", "m.jsonl").returncode == 0
    before = sorted(tmp_path.rglob("*"))
    assert zsl("label", "photos", "-o", "m.jsonl", "--dry-run").stdout.startswith(
        b"16 photos to label, 8 done already")
    result = zsl("label", "photos", "-o", "l.jsonl", "--dry-run")
    assert b"24 photos to label, 0 done already; would write l.jsonl" in result.stdout
    result = zsl("label", "photos/a", "--xmp", "--dry-run", "--labels", "cat,person")
    assert b"+++ photos/a/00.jpg.xmp" in result.stdout
    assert re.search(rb"^\+.*<rdf:li>person</rdf:li>", result.stdout, re.MULTILINE)
    assert sorted(tmp_path.rglob("*")) == before


def test_nothing_to_read_is_a_wrong_use(zsl, tmp_path):
    (tmp_path / "empty").mkdir()
    for argument in ("empty", "nowhere", "*.jpg"):
        result = zsl("label", argument, "-o", "l.jsonl")
        assert result.returncode == 2
        assert argument in result.stderr.decode()
    assert not (tmp_path / "l.jsonl").exists()


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


def test_records_are_streamed_to_a_pipe_that_may_close(environment, large_library, tmp_path):
    command = f"'{sys.executable}' -m zsl_cli label photos -q"
    result = subprocess.run(["bash", "-c", f"set -o pipefail; {command} | head -n 1"],
                            cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert result.returncode == 0
    assert result.stderr == b""
    assert json.loads(result.stdout)["path"] == "photos/000.jpg"


@pytest.mark.slow
def test_memory_does_not_depend_on_the_number_of_photos(environment, photographs, tmp_path):
    peaks = []
    for count in (100, 900):
        folder = tmp_path / str(count)
        folder.mkdir()
        for number in range(count):
            (folder / f"{number:04}.jpg").write_bytes(photographs[number % 24])
        # A process is said to have had the memory of the one that started it: a small one does.
        watch = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
                 "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
        result = subprocess.run(
            [sys.executable, "-c", watch, sys.executable, "-m", "zsl_cli", "label", str(count),
             "-o", f"{count}.jsonl", "--jobs", "2"], cwd=tmp_path, env=environment,
            capture_output=True, check=True)
        peaks.append(int(result.stdout))
    assert peaks[1] < 1.1 * peaks[0]
    assert peaks[1] < 500_000  # kilobytes


@pytest.mark.slow
def test_killed_at_random_moments_and_resumed_it_gives_the_same(
        environment, zsl, photographs, tmp_path):
    """SIGKILL at any moment: the output is valid or not there, sidecars are whole, and in the end
    everything is as in an uninterrupted run.

    Each moment is a random one of its own twelfth of the time from the first word in the journal
    to the end, so that no part of a run is left out.
    """
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(80):
        (folder / f"{number:03}.jpg").write_bytes(photographs[number % 24])
    (folder / "040-bad.jpg").write_bytes(photographs[0][:999])
    arguments = ("label", "photos", "-o", "l.jsonl", "--report", "r.html", "--xmp")

    def outcome():
        sidecars = {path.name: path.read_bytes() for path in sorted(folder.glob("*.xmp"))}
        return (tmp_path / "l.jsonl").read_bytes(), sidecars

    def clear():
        for path in [*tmp_path.iterdir(), *folder.glob("*xmp*")]:
            if path.is_file():
                path.unlink()

    assert zsl(*arguments).returncode == 1
    expected = outcome()
    assert len(expected[0].splitlines()) == 81
    assert len(expected[1]) == 80
    clear()
    started = time.monotonic()
    process = run_in_background(environment, tmp_path, *arguments)
    while not (tmp_path / ".l.jsonl.zsl-journal").exists():
        assert process.poll() is None
        time.sleep(0.005)
    begun = time.monotonic() - started
    process.communicate()
    seconds = time.monotonic() - started
    assert outcome() == expected
    clear()
    random = np.random.default_rng(int(time.time()))
    moments = itertools.cycle(random.permutation(
        begun + (seconds - begun) * (np.arange(12) + random.random(12)) / 12))
    kills = 0
    while kills < 12:
        process = run_in_background(environment, tmp_path, *arguments)
        try:
            process.communicate(timeout=next(moments))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
        else:
            assert process.returncode == 1
            assert outcome() == expected
            clear()
        if (tmp_path / "l.jsonl").exists():
            assert all(record in expected[0].splitlines()
                       for record in (tmp_path / "l.jsonl").read_bytes().splitlines())
    assert zsl(*arguments).returncode == 1
    assert outcome() == expected
    assert {path.name for path in tmp_path.iterdir()} == {
        "photos", "l.jsonl", "r.html", ".l.jsonl.zsl-journal"}
