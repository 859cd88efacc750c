"""``zsl label``: the real command line over real photographs, and over what is none."""

import io
import json
import os
import re
import subprocess
import sys

import numpy as np
import pytest
from label_runs import names, records, summary
from PIL import Image


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


def test_links_are_left_alone_or_followed_once(zsl, library, tmp_path):
    os.symlink("00.jpg", library / "a" / "link.jpg")
    os.symlink("../b", library / "a" / "more")
    os.symlink("..", library / "c" / "up")
    assert summary(zsl("label", "photos", "-o", "l.jsonl")) == (24, 0, 0)
    assert summary(zsl("label", "photos", "-o", "m.jsonl", "--follow-links")) == (0, 0, 24)
    assert names(tmp_path / "m.jsonl") == names(tmp_path / "l.jsonl")


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


def test_a_link_to_itself_named_like_a_tool_folder_does_no_harm(zsl, library, tmp_path):
    os.symlink("node_modules", library / "node_modules")
    assert summary(zsl("label", "photos", "-o", "l.jsonl")) == (24, 0, 0)
    assert summary(zsl("label", "photos", "-o", "m.jsonl", "--follow-links")) == (0, 0, 24)
    assert names(tmp_path / "m.jsonl") == names(tmp_path / "l.jsonl")


def test_a_list_is_literal(zsl, photographs, tmp_path):
    (tmp_path / "y1.jpg").write_bytes(photographs[0])
    (tmp_path / "y[2].jpg").write_bytes(photographs[1])
    result = zsl("label", "--files-from", "-", stdin=b"\xef\xbb\xbfy[2].jpg\ny[1].jpg\n")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [("labels" in record, record["path"]) for record in found] == [
        (True, "y[2].jpg"), (False, "y[1].jpg")]


def test_a_library_that_is_named_twice_counts_once(zsl, library):
    for options, expected in (([], (24, 0, 0)), (["--follow-links"], (0, 0, 24))):
        result = zsl("label", "photos", "photos", "photos/a", "-o", f"l{len(options)}.jsonl",
                     *options)
        assert result.returncode == 0
        assert summary(result) == expected


@pytest.mark.parametrize(("arguments", "message"), [
    (["photos", "--format", "csv", "--report", "r.html"], "--format is for the file"),
    (["photos", "--xmp-naming", "full"], "--xmp-naming is for --xmp"),
    (["-"], "give --files-from -"), ([], "name a FOLDER, or give --files-from"),
    (["photos", "-o", "x.html", "--format", "csv", "--report", "x.html"], "both the output and"),
    (["photos", "--include", "*.gif"], "no images in this folder that the patterns leave"),
])
def test_options_that_make_no_sense_together_are_refused(zsl, library, arguments, message):
    result = zsl("label", *arguments)
    assert result.returncode == 2
    assert message in " ".join(result.stderr.decode().split())


def test_nothing_to_read_is_a_wrong_use(zsl, tmp_path):
    (tmp_path / "empty").mkdir()
    for argument in ("empty", "nowhere", "*.jpg"):
        result = zsl("label", argument, "-o", "l.jsonl")
        assert result.returncode == 2
        assert argument in result.stderr.decode()
    assert not (tmp_path / "l.jsonl").exists()


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
