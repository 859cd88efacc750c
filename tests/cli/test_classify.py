"""``zsl classify``: the real command line on real photographs, and on what is none."""

import csv
import io
import json
import os
import re
import shutil

import pytest

CATS = {"tabby", "Egyptian cat", "tiger cat", "cat", "domestic cat", "lynx", "kitty"}


def records(result):
    """The JSONL records on standard output."""
    return [json.loads(line) for line in result.stdout.splitlines()]


def names(record):
    """The labels of a record, best first."""
    return [label["label"] for label in record["labels"]]


def test_a_cat_is_called_a_cat(zsl, cat_jpg):
    result = zsl("classify", str(cat_jpg), "--top", "5", "--jsonl")
    assert result.returncode == 0
    (record,) = records(result)
    assert record["path"] == str(cat_jpg)
    assert (record["model"], record["vocabulary"]) == ("default", "default")
    assert len(record["labels"]) == 5
    assert CATS & set(names(record))
    scores = [label["score"] for label in record["labels"]]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 for score in scores)
    assert all(label["id"].startswith("n") and len(label["id"]) == 9 for label in record["labels"])


def test_a_person_gets_a_table(zsl, cat_jpg, tmp_path):
    shutil.copy(cat_jpg, tmp_path)  # a name that is longer than a line would take two
    result = zsl("classify", "cat.jpg", "--top", "3", env={"COLUMNS": "100"})
    lines = result.stdout.decode().splitlines()
    assert "cat.jpg" in lines[0]
    assert lines[1].rstrip() == "cat"
    assert lines[2].split() == ["score", "confidence"]
    assert [line.split()[0] for line in lines[3:6]] == ["1", "2", "3"]
    assert "█" in lines[3]
    assert b"\x1b" not in result.stdout


def test_colour_only_where_it_is_wanted(zsl, cat_jpg):
    assert b"\x1b[" in zsl("classify", str(cat_jpg), env={"FORCE_COLOR": "1"}).stdout
    assert b"\x1b[3" not in zsl("classify", str(cat_jpg),
                                env={"FORCE_COLOR": "1", "NO_COLOR": "1"}).stdout


def test_json_is_one_array_and_csv_a_row_a_label(zsl, cat_jpg, coffee_png):
    arguments = (str(cat_jpg), str(coffee_png), "nothing.jpg", "--top", "2")
    array = json.loads(zsl("classify", *arguments, "--json").stdout)
    assert [record.get("error", {}).get("kind") for record in array] == [None, None, "missing"]
    rows = list(csv.DictReader(io.StringIO(zsl("classify", *arguments, "--csv").stdout.decode())))
    assert [row["rank"] for row in rows] == ["1", "2", "1", "2", ""]
    assert rows[4]["error"] == "no such file"
    assert rows[0]["label"] == array[0]["labels"][0]["label"]


def test_files_folders_patterns_and_standard_input(zsl, cat_jpg, coffee_png, tmp_path):
    (tmp_path / "below" / "deep").mkdir(parents=True)
    (tmp_path / "below" / ".hidden").mkdir()
    for place in ("below/deep/b.JPG", "below/a.jpg", "below/.hidden/c.jpg", "below/notes.txt"):
        shutil.copy(cat_jpg, tmp_path / place)
    found = records(zsl("classify", "below", "--jsonl"))
    assert [record["path"] for record in found] == ["below/a.jpg", "below/deep/b.JPG"]
    found = records(zsl("classify", "below/**/*.[jJ]*", "--jsonl"))
    assert [record["path"] for record in found] == ["below/a.jpg", "below/deep/b.JPG"]
    (piped,) = records(zsl("classify", "-", "--jsonl", stdin=cat_jpg.read_bytes()))
    assert piped["path"] == "-"
    assert names(piped) == names(found[0])  # in another batch the last digits may be others
    assert [label["score"] for label in piped["labels"]] == pytest.approx(
        [label["score"] for label in found[0]["labels"]], abs=1e-3)
    assert names(records(zsl("classify", str(coffee_png), "--jsonl"))[0]) != names(piped)


@pytest.mark.parametrize("top", ["1", "37", "1000"])
def test_top_gives_as_many(zsl, cat_jpg, top):
    (record,) = records(zsl("classify", str(cat_jpg), "--top", top, "--jsonl"))
    assert len(record["labels"]) == int(top)
    assert len({label["id"] for label in record["labels"]}) == int(top)


def test_threshold_leaves_out_what_is_unlikely(zsl, cat_jpg):
    (record,) = records(zsl("classify", str(cat_jpg), "--top", "100", "--threshold", "0.05",
                            "--jsonl"))
    assert 0 < len(record["labels"]) < 20
    assert all(label["score"] >= 0.05 for label in record["labels"])
    table = zsl("classify", str(cat_jpg), "--threshold", "1")
    assert b"no label reaches the threshold" in table.stdout


def test_labels_are_the_only_candidates_and_their_scores_add_up(zsl, cat_jpg, tmp_path):
    (record,) = records(zsl("classify", str(cat_jpg), "--labels", "Cat, dog,n02958343",
                            "--jsonl"))
    assert sorted(names(record)) == ["Cat", "car", "dog"]
    assert names(record)[0] == "Cat"
    assert sum(label["score"] for label in record["labels"]) == pytest.approx(1, abs=1e-4)
    (tmp_path / "labels.txt").write_bytes("\ufeffCat\r\n\r\ndog\ncar\n".encode())
    (from_file,) = records(zsl("classify", str(cat_jpg), "--labels-file", "labels.txt",
                               "--jsonl"))
    assert from_file == record


def test_however_many_labels_are_listed_their_scores_add_up(zsl, cat_jpg, tmp_path):
    from zsl_cli import Vocabulary

    ids = [label.id for label in Vocabulary.load().labels[::60]]
    (tmp_path / "labels.txt").write_text("\n".join(ids))
    (record,) = records(zsl("classify", str(cat_jpg), "--labels-file", "labels.txt", "--jsonl",
                            "--top", "1000"))
    assert len(record["labels"]) == len(ids) > 300
    assert sum(label["score"] for label in record["labels"]) == pytest.approx(1, abs=1e-3)


def test_standard_input_is_read_for_one_thing_only(zsl):
    result = zsl("classify", "-", "--labels-file", "-", stdin=b"cat")
    assert result.returncode == 2
    assert b"cannot be both" in result.stderr


def test_csv_has_a_row_for_an_image_without_a_label(zsl, cat_jpg):
    rows = zsl("classify", str(cat_jpg), "--threshold", "1", "--csv").stdout.decode().split()
    assert rows[1] == f"{cat_jpg},,,,,"


def test_the_gloss_is_shown_where_a_name_is_ambiguous(zsl, cat_jpg):
    table = zsl("classify", str(cat_jpg), "--labels", "n02012849,n03126707,zebra",
                env={"COLUMNS": "120"}).stdout.decode()
    assert "large long-necked wading bird" in table
    assert "lifts and moves heavy objects" in table
    assert "zebra  " not in table.replace("zebra" + " " * 10, "")


def test_under_keeps_to_a_subtree(zsl, coffee_png):
    (record,) = records(zsl("classify", str(coffee_png), "--under", "animal", "--top", "20",
                            "--jsonl"))
    from zsl_cli import Vocabulary

    vocabulary = Vocabulary.load()
    animals = set(vocabulary.hierarchy.descendants(vocabulary.rows["n00015388"]))
    assert {vocabulary.rows[label["id"]] for label in record["labels"]} <= animals
    (both,) = records(zsl("classify", str(coffee_png), "--under", "animal", "--under", "beverage",
                          "--jsonl"))
    assert "espresso" in names(both)


def test_exact_and_hnsw_agree_on_a_photograph(zsl, cat_jpg):
    exact = records(zsl("classify", str(cat_jpg), "--exact", "--jsonl"))
    hnsw = records(zsl("classify", str(cat_jpg), "--hnsw", "--jsonl"))
    assert [label["id"] for label in exact[0]["labels"]] == [
        label["id"] for label in hnsw[0]["labels"]]


def test_many_images_keep_their_order_whatever_the_batch(zsl, cat_jpg, coffee_png, tmp_path):
    paths = []
    for number in range(23):
        paths.append(f"{number:02}{'.jpg' if number % 2 else '.png'}")
        shutil.copy(cat_jpg if number % 2 else coffee_png, tmp_path / paths[-1])
    (tmp_path / "05.jpg").write_bytes(b"broken")
    by_batch = []
    for size in ("1", "4", "100"):
        result = zsl("classify", *paths, "--batch-size", size, "--jsonl")
        assert result.returncode == 1
        by_batch.append(records(result))
        assert [record["path"] for record in by_batch[-1]] == paths
        assert [i for i, record in enumerate(by_batch[-1]) if "error" in record] == [5]
    tops = [[names(record)[0] for record in found if "labels" in record] for found in by_batch]
    assert tops[0] == tops[1] == tops[2]


def test_bad_images_fail_by_themselves_with_their_reasons(zsl, cat_jpg, tmp_path):
    data = cat_jpg.read_bytes()
    (tmp_path / "truncated.jpg").write_bytes(data[:len(data) // 2])
    (tmp_path / "text.jpg").write_text("no photograph")
    (tmp_path / "empty.jpg").touch()
    os.mkfifo(tmp_path / "fifo.jpg")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "good.jpg").write_bytes(data)
    bad = ["truncated.jpg", "text.jpg", "empty.jpg", "fifo.jpg", "folder.png", "nothing.jpg",
           "/dev/null"]
    result = zsl("classify", *bad, "good.jpg", "--jsonl")
    assert result.returncode == 1
    found = {record["path"]: record for record in records(result)}
    assert "labels" in found["good.jpg"]
    assert all(found[name]["error"]["message"] for name in bad)
    lines = result.stderr.decode().splitlines()
    assert len(lines) == len(bad)
    assert all(name in line for name, line in zip(bad, lines, strict=True))
    assert "truncated" in found["truncated.jpg"]["error"]["message"]
    assert found["nothing.jpg"]["error"]["kind"] == "missing"


@pytest.mark.parametrize("argument", ["nothing.jpg", "empty", "*.jpg"])
def test_nothing_to_read_is_a_wrong_use(zsl, tmp_path, argument):
    (tmp_path / "empty").mkdir()
    result = zsl("classify", argument, "--jsonl")
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert argument in result.stderr.decode()


@pytest.mark.parametrize("name", ["a photo.jpg", "new\nline.jpg", "照片.jpg", "[red]x.jpg",
                                  b"not\xff\xfeutf8.jpg", "quote'\"\\.jpg", "-5°.jpg"])
def test_any_file_name_works_and_comes_back_the_same(zsl, cat_jpg, tmp_path, name):
    raw = os.fsencode(name)
    shutil.copy(os.fsencode(cat_jpg), os.path.join(os.fsencode(tmp_path), raw))
    argument = os.path.join(os.fsencode(tmp_path), raw)
    for option in ("--jsonl", "--json"):
        result = zsl("classify", argument, option)
        assert result.returncode == 0
        record = json.loads(result.stdout)
        record = record if option == "--jsonl" else record[0]
        assert os.fsencode(record["path"]) == argument
    rows = list(csv.reader(io.StringIO(zsl("classify", argument, "--csv").stdout.decode())))
    path = re.sub(r"\\udc([89a-f][0-9a-f])", lambda match: chr(0xDC00 + int(match[1], 16)),
                  rows[1][0])
    assert os.fsencode(path) == argument
    table = zsl("classify", argument, env={"COLUMNS": "400"})
    assert table.returncode == 0
    if name == "[red]x.jpg":
        assert name.encode() in table.stdout


def test_a_file_name_cannot_steer_the_terminal(zsl, cat_jpg, tmp_path):
    shutil.copy(cat_jpg, tmp_path / "a\x1b[31mb.jpg")
    result = zsl("classify", "a\x1b[31mb.jpg", "a\x1b[31mmissing.jpg")
    assert b"\x1b[31m" not in result.stdout + result.stderr


def test_labels_given_twice_are_all_candidates(zsl, cat_jpg):
    (record,) = records(zsl("classify", str(cat_jpg), "--labels", "cat", "--labels", "dog,horse",
                            "--jsonl"))
    assert {found["label"] for found in record["labels"]} == {"cat", "dog", "horse"}


@pytest.mark.parametrize(("arguments", "message"), [
    (["--top", "0"], "1<=x<=1000"), (["--top", "1001"], "1<=x<=1000"),
    (["--threshold", "2"], "0<=x<=1"),
    (["--threshold", "nan"], "must be a finite number, not nan"),
    (["--device", "cudda"], "'auto', 'cpu', 'cuda'"),
    (["--labels", "cat", "--under", "zzzebra"],
     "unknown label 'zzzebra'; the nearest names are: zebra"),
    (["--labels", " , "], "name no label"), (["--under", "anymal"], "animal"),
    (["--labels-file", "nowhere.txt"], "nowhere.txt: No such file"),
    (["--labels", "cat", "--under", "plant"], "no candidate label is left"),
    (["--model", "fancy"], "no model called 'fancy'; known models: default"),
    (["--vocab", "fancy"], "no vocabulary called 'fancy'; known vocabularies: default"),
    (["--lables", "cat"], "--labels"), (["--batch-size", "0"], "1<=x<=1024"),
    (["-q", "-v"], "--quiet and --verbose exclude each other"),
])
def test_a_wrong_option_is_refused_and_the_right_ones_named(zsl, cat_jpg, arguments, message):
    result = zsl("classify", str(cat_jpg), *arguments)
    assert result.returncode == 2
    assert result.stdout == b""
    assert message in " ".join(result.stderr.decode().split())
    assert "Traceback" not in result.stderr.decode()


def test_the_pixel_limit_can_be_set(zsl, cat_jpg):
    result = zsl("classify", str(cat_jpg), "--max-pixels", "1000", "--jsonl")
    assert result.returncode == 1
    (record,) = records(result)
    assert record["error"]["kind"] == "limit"
    assert "raise the limit with max_pixels" in record["error"]["message"]
    assert b"raise the limit with --max-pixels" in result.stderr
    result = zsl("classify", str(cat_jpg), "--max-pixels", "1000", "--csv")
    assert result.stdout.decode().rstrip().endswith('raise the limit with max_pixels"')


def test_cuda_is_refused_where_it_cannot_load(zsl, cat_jpg):
    result = zsl("classify", str(cat_jpg), "--device", "cuda")
    assert result.returncode == 2
    assert result.stdout == b""
    assert b"--device cuda cannot be used" in result.stderr
    auto = zsl("classify", str(cat_jpg), "--device", "auto", "--verbose", "--jsonl")
    assert auto.returncode == 0
    assert b"on cpu" in auto.stderr


def copy_default(kind, target):
    """A copy of an embedded folder."""
    from zsl_cli.support import folders

    return shutil.copytree(folders.embedded(kind) / "default", target)


def test_a_changed_file_of_model_or_vocabulary_is_refused(zsl, cat_jpg, tmp_path):
    from zsl_cli.support.folders import MODEL, VOCABULARY

    for kind, option, file in ((MODEL, "--model", "encoder.onnx"),
                               (VOCABULARY, "--vocab", "labels.jsonl"),
                               (VOCABULARY, "--vocab", "vectors.npy")):
        folder = copy_default(kind, tmp_path / file)
        assert zsl("classify", str(cat_jpg), option, str(folder)).returncode == 0
        with (folder / file).open("r+b") as changed:
            changed.seek(1000)
            changed.write(b"\x00\x01\x02\x03")
        result = zsl("classify", str(cat_jpg), option, str(folder))
        assert result.returncode == 2
        assert f"{file}: changed since it was written" in result.stderr.decode()


def test_a_model_and_a_vocabulary_that_do_not_fit_are_refused_and_a_pair_that_fits_named(
        zsl, cat_jpg, tmp_path):
    from zsl_cli.support.folders import VOCABULARY

    folder = copy_default(VOCABULARY, tmp_path / "other")
    manifest = json.loads((folder / "vocabulary.json").read_text())
    (folder / "vocabulary.json").write_text(json.dumps({**manifest, "space": "elsewhere"}))
    result = zsl("classify", str(cat_jpg), "--vocab", str(folder))
    assert result.returncode == 2
    message = result.stderr.decode()
    assert "'elsewhere'" in message
    assert "model default with vocabulary default" in message


def test_one_photo_leaves_nothing_behind_and_calls_nobody(zsl, cat_jpg, tmp_path):
    for name in ("home", "cache", "data"):
        (tmp_path / name).mkdir()
    env = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": str(tmp_path / "cache"),
           "XDG_DATA_HOME": str(tmp_path / "data")}
    assert zsl("classify", str(cat_jpg), "--jsonl", env=env).returncode == 0
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("columns", ["12", "30", "59", "60", "200"])
def test_the_label_is_readable_on_any_terminal(zsl, cat_jpg, columns):
    table = zsl("classify", str(cat_jpg), "--labels", "cat", "-q", env={"COLUMNS": columns})
    assert table.returncode == 0
    if columns != "12":
        assert b"cat  " in table.stdout
        assert b"1.000" in table.stdout
    assert ("█".encode() in table.stdout) == (int(columns) >= 60)


def test_standard_input_may_be_named_twice(zsl, cat_jpg):
    first, second = records(zsl("classify", "-", "-", "--jsonl", stdin=cat_jpg.read_bytes()))
    assert first == second


def test_no_traceback_without_debug_and_one_with_it(zsl, cat_jpg):
    assert b"Traceback" not in zsl("classify", str(cat_jpg), "--model", "x").stderr
    assert b"Traceback" in zsl("classify", str(cat_jpg), "--model", "x", "--debug").stderr
