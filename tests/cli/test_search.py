"""``zsl search`` and ``zsl annotate``: the real command line, real photographs."""

import json
import os
import shutil
import struct
import subprocess
import sys

import pytest

from zsl_cli import AnnotateRequest, annotate

NAMES = {"chelsea.png": "a cat.png", "coffee.png": "sub/coffee.png", "rocket.jpg": "rocket.jpg",
         "astronaut.png": "sub/-astronaut.png"}


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("searched")


@pytest.fixture(scope="module")
def photos(place, skimage_photos, environment):
    """A library with odd names, indexed."""
    folder = place / "photos"
    for old, new in NAMES.items():
        (folder / new).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(skimage_photos / old, folder / new)
    shutil.copy(skimage_photos / "chelsea.png", folder / "line\nbreak.png")
    subprocess.run([sys.executable, "-m", "zsl_cli", "index", str(folder)], check=True,
                   env={**environment, "XDG_DATA_HOME": str(place / "data")}, capture_output=True)
    return folder


@pytest.fixture
def search(zsl, photos, place):
    def run(*arguments, **others):
        return zsl("search", *arguments, env={"XDG_DATA_HOME": str(place / "data"),
                                              **others.pop("env", {})}, **others)
    return run


def lines(result):
    return [json.loads(line) for line in result.stdout.splitlines()]


def names(record):
    return [os.path.basename(one["path"]) for one in record["results"]]


def test_words_find_the_photo_that_they_describe(search, photos):
    for words, name in (("a cat", "a cat.png"), ("a cup of coffee", "coffee.png"),
                        ("rocket", "rocket.jpg")):
        result = search(words, "--fold", "--jsonl", "--top", "2")
        record, = lines(result)
        assert result.returncode == 0
        assert record["query"] == words
        assert names(record)[0] in (name, "line\nbreak.png" if "cat" in name else name)
        assert set(record["results"][0]) <= {"path", "score", "taken", "alike"}
        assert record["results"][0]["path"].startswith(str(photos))


def test_a_sentence_needs_no_quotes_and_the_table_has_four_columns(search, photos):
    result = search("a", "cup", "of", "coffee", "-k", "1")
    rank, score, path, date = result.stdout.decode().rstrip("\n").split("\t")
    assert (rank, path) == ("1", str(photos / "sub" / "coffee.png"))
    assert 0 < float(score) < 1
    assert len(date) == 16
    assert result.stderr == b""


def test_a_word_that_may_be_a_typing_error_is_named_and_the_rest_searched(search):
    result = search("a cup of cofee")
    assert result.returncode == 0
    assert b"'cofee' is no word that is known; is it coffee" in result.stderr
    assert search("a cup of coffee").stderr == b""


def test_near_duplicates_are_folded_on_request(search):
    plain, = lines(search("cat", "--jsonl"))
    folded, = lines(search("cat", "--jsonl", "--fold"))
    assert len(plain["results"]) == 5
    assert len(folded["results"]) == 4
    assert len(folded["results"][0]["alike"]) == 1


def test_a_photo_outside_the_library_and_sums(search, coffee_png):
    record, = lines(search("--image", str(coffee_png), "--jsonl"))
    assert names(record)[0] == "coffee.png"
    assert record["results"][0]["score"] > 0.99
    record, = lines(search("--image", str(coffee_png), "--minus", "coffee", "--plus", "rocket",
                           "--jsonl"))
    assert names(record).index("rocket.jpg") < 2
    assert record["query"].endswith("coffee.png + rocket - coffee")


def test_a_photo_of_the_library_is_not_read_again(search, photos, zsl, place):
    """Its encoder could not be opened on this device."""
    path = photos / "rocket.jpg"
    known = search("--image", str(path), "--device", "cuda", "--jsonl")
    assert known.returncode == 0
    assert "rocket.jpg" not in names(lines(known)[0])
    unknown = search("--image", str(photos.parent / "photos" / ".." / "new.png"), "--jsonl")
    assert unknown.returncode == 2


def test_paths_go_into_pipes_whatever_is_in_them(search, photos):
    assert search("rocket", "-k", "1", "--paths").stdout == os.fsencode(
        photos / "rocket.jpg") + b"\n"
    found = search("cat", "--paths0").stdout.split(b"\0")
    assert found.pop() == b""
    assert len(found) == 5
    assert all(os.path.isfile(path) for path in found)
    assert os.fsencode(photos / "line\nbreak.png") in found
    assert b"line\\nbreak.png" in search("cat").stdout


def test_many_queries_have_a_record_each_and_failures_too(search):
    result = search("--queries", "-", "-k", "1", stdin=b"a cat\n\ncoffee\nmissing.jpg\n")
    first, second, third = lines(result)
    assert result.returncode == 1
    assert (first["query"], second["query"]) == ("a cat", "coffee")
    assert third == {"query": "missing.jpg",
                     "error": {"kind": "missing", "message": "missing.jpg: no such file"}}
    assert result.stderr == b"zsl: missing.jpg: no such file\n"


def test_filters(search, photos):
    assert len(lines(search("cat", "--path", "sub", "--jsonl"))[0]["results"]) == 2
    assert len(lines(search("cat", "--in", str(photos / "sub"), "--jsonl"))[0]["results"]) == 2
    cats, = lines(search("animal", "--label", "cat", "--jsonl"))
    assert sorted(names(cats)) == ["a cat.png", "line\nbreak.png"]
    below, = lines(search("animal", "--under", "feline", "--min-confidence", "0.5", "--jsonl"))
    assert sorted(names(below)) == ["a cat.png", "line\nbreak.png"]
    typo = search("animal", "--label", "feliine")
    assert typo.returncode == 0
    assert b"'feliine' (a name near it: feline" in typo.stderr
    none = search("cat", "--until", "1990")
    assert (none.returncode, none.stdout) == (0, b"")
    assert none.stderr == b"zsl: no photo is found\n"


def test_photos_that_were_deleted_are_dropped_and_counted(search, photos):
    path = photos / "sub" / "-astronaut.png"
    content = path.read_bytes()
    path.unlink()
    try:
        result = search("an astronaut", "--jsonl")
    finally:
        path.write_bytes(content)
    assert "-astronaut.png" not in names(lines(result)[0])
    assert b"1 photo left out, deleted or moved" in result.stderr


@pytest.mark.parametrize(("arguments", "said"), [
    ([], "nothing to search for"), ([""], "an empty query finds nothing"),
    (["--minus", "x"], "nothing to search for"),
    (["cat", "--minus", " "], "an empty query"), (["cat", "--since", "soon"], "--since is a date"),
    (["cat", "--under", "felinezzz"], "felinezzz"),
    (["cat", "--among", "30"], "--among is for --rerank"),
    (["cat", "--min-confidence", "0.5"], "--min-confidence is for --label and --under"),
    (["cat", "--minus", "cat"], "cancel out"), (["cat", "--thumbnails"], "is for a terminal"),
    (["cat", "--queries", "x"], "not both"), (["--queries", "gone.txt"], "gone.txt"),
    (["cat", "--in", "/nowhere"], "/nowhere: no such folder"),
    (["cat", "--catalogue", "nothing"], "no catalogue in this folder"),
    (["cat", "--sheet", "-"], "--sheet is a file"),
    (["cat", "--sheet", "no/such/folder/x.html"], "there is no folder"),
    (["missing.jpg"], "missing.jpg: no such file")])
def test_what_makes_no_sense_is_said_in_a_line(search, arguments, said):
    result = search(*arguments)
    assert result.returncode == 2
    assert said in result.stderr.decode()
    assert b"Traceback" not in result.stderr
    assert result.stdout == b""


def test_without_an_index_the_command_that_makes_one_is_named(zsl, tmp_path):
    result = zsl("search", "cat", env={"XDG_DATA_HOME": str(tmp_path)})
    assert result.returncode == 2
    assert b"no library is indexed yet; zsl index FOLDER" in result.stderr


def test_a_contact_sheet_is_written_and_opened(search, tmp_path):
    opened = tmp_path / "opened"
    script = tmp_path / "browser"
    script.write_text(f'#!/bin/sh\necho "$1" > "{opened}"\n')
    script.chmod(0o755)
    result = search("cat", "--open", "--sheet", "sheet.html", "--quiet",
                    env={"BROWSER": f"{script} %s", "PATH": "/bin:/usr/bin"})
    assert result.returncode == 0, result.stderr
    text = (tmp_path / "sheet.html").read_text()
    assert text.count("data:image/jpeg") == 5
    assert opened.read_text().strip() == (tmp_path / "sheet.html").as_uri()
    again = search("cat", "--sheet", "sheet.html")
    assert again.returncode == 2
    assert b"--force" in again.stderr


def on_terminal(terminal, arguments, env, columns=80):
    """What a command shows on a terminal of so many columns, each 8 pixels wide."""
    ours, theirs = terminal()
    size = struct.pack("HHHH", 24, columns, 8 * columns, 384)
    fcntl = pytest.importorskip("fcntl")
    fcntl.ioctl(theirs, pytest.importorskip("termios").TIOCSWINSZ, size)
    shown = b""
    with subprocess.Popen([sys.executable, "-m", "zsl_cli", *arguments], stdin=theirs,
                          stdout=theirs, stderr=theirs, env={**env, "TERM": "xterm-256color"}):
        os.close(theirs)
        try:
            while part := os.read(ours, 65536):
                shown += part
        except OSError:  # how a terminal ends
            pass
    os.close(ours)
    return shown.decode("utf-8", "replace")


def test_photos_are_shown_in_a_terminal(terminal, environment, photos, place):
    pytest.importorskip("textual_image")
    shown = on_terminal(terminal, ["search", "rocket", "-k", "1", "--thumbnails", "-q"],
                        {**environment, "XDG_DATA_HOME": str(place / "data")})
    assert shown.count("\N{UPPER HALF BLOCK}") > 100  # this terminal answers to no protocol
    assert str(photos / "rocket.jpg") in shown


def test_a_terminal_without_a_size_shows_no_photos(terminal, environment, photos, place):
    pytest.importorskip("textual_image")
    shown = on_terminal(terminal, ["search", "rocket", "-k", "1", "--thumbnails", "-q"],
                        {**environment, "XDG_DATA_HOME": str(place / "data")}, columns=0)
    assert "does not say how large it is" in shown


def test_without_what_shows_photos_in_a_terminal_it_is_named(terminal, environment, photos, place,
                                                             tmp_path):
    (tmp_path / "textual_image.py").write_text("raise ImportError(name='textual_image')")
    shown = on_terminal(terminal, ["search", "rocket", "--thumbnails", "-q"],
                        {**environment, "XDG_DATA_HOME": str(place / "data"),
                         "PYTHONPATH": str(tmp_path)})
    assert "pip install 'zsl-cli[terminal]'" in shown


def test_annotate_says_which_sentences_fit(zsl, photos, place, tmp_path):
    env = {"XDG_DATA_HOME": str(place / "data")}
    (tmp_path / "said.txt").write_text("a cat looks at you\na cup of coffee\n\na rocket starts\n"
                                       "a cup of coffee\n")
    result = zsl("annotate", str(photos / "a cat.png"), str(photos / "sub"), "gone.jpg",
                 "--captions", "said.txt", "--jsonl", "--top", "2", env=env)
    assert result.returncode == 1
    cat, _, coffee, gone = lines(result)
    assert cat["captions"][0]["caption"] == "a cat looks at you"
    assert coffee["captions"][0]["caption"] == "a cup of coffee"
    assert cat["captions"][0]["score"] > cat["captions"][1]["score"]
    assert gone == {"path": "gone.jpg", "error": {"kind": "missing", "message": "no such file"}}
    (tmp_path / "one.csv").write_text("image,caption\nx.jpg,a cup of coffee\n")
    table = zsl("annotate", str(photos / "rocket.jpg"), "--captions", "one.csv", env=env)
    assert table.stdout.decode().split("\t")[::2] == ["1", "a cup of coffee\n"]


@pytest.mark.parametrize("content", [
    b"a cat looks at you\na cup of coffee\n", b"a.jpg#0\ta cat looks at you\na.jpg#1\ta cup\n",
    "image,caption\na.jpg,a cat looks at you\n".encode("utf-16")])
def test_annotate_reads_sentences_from_standard_input(zsl, cat_jpg, content):
    result = zsl("annotate", str(cat_jpg), "--captions", "-", "--jsonl", stdin=content)
    assert (result.returncode, result.stderr) == (0, b"")
    assert lines(result)[0]["captions"][0]["caption"] == "a cat looks at you"
    empty = zsl("annotate", str(cat_jpg), "--captions", "-", stdin=b"\n")
    assert (empty.returncode, empty.stderr) == (
        2, b"zsl: --captions -: there is no sentence in it\n")


def test_annotate_takes_sentences_from_python_too(cat_jpg):
    [annotation] = annotate(AnnotateRequest(cat_jpg, ["a rocket", "a cat", "a cat"]))
    assert [caption for caption, _ in annotation.captions] == ["a cat", "a rocket"]


@pytest.mark.parametrize(("content", "said"), [
    ("", "there is no sentence"), ("\n \n", "there is no sentence"),
    ("{}", "JSON without a list of images")])
def test_captions_that_are_none_are_refused(zsl, cat_jpg, tmp_path, content, said):
    (tmp_path / "captions.json").write_text(content)
    name = "captions.json" if content == "{}" else "captions.txt"
    (tmp_path / name).write_text(content)
    result = zsl("annotate", str(cat_jpg), "--captions", name)
    assert result.returncode == 2
    assert said in result.stderr.decode()


def test_annotate_names_each_photo_of_a_folder(zsl, photos, tmp_path):
    (tmp_path / "said.txt").write_text("a cat\n")
    result = zsl("annotate", str(photos / "sub"), "--captions", "said.txt", "--top", "1")
    assert result.stdout.decode().splitlines()[::2] == [
        str(photos / "sub" / "-astronaut.png"), str(photos / "sub" / "coffee.png")]


def test_annotate_leaves_out_what_it_cannot_encode(zsl, cat_jpg, tmp_path):
    (tmp_path / "said.txt").write_bytes(b"a cat\ncaf\xc3\xa9\n\xe2\x80\x8b\n"
                                        + b"cat " * 100_000 + b"\n")
    result = zsl("annotate", str(cat_jpg), "--captions", "said.txt", "--jsonl")
    assert b"left out: a caption of 399,999 characters" in result.stderr
    assert len(lines(result)[0]["captions"]) == 2
    assert lines(result)[0]["captions"][0]["caption"] == "a cat"
    assert result.returncode == 0


def test_a_damaged_embedding_is_no_result_and_the_status_says_that_some_failed(search, place):
    [path] = (place / "data" / "zsl" / "catalogues").glob("*/embeddings.f16")
    whole = path.read_bytes()
    path.write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
    try:
        result = search("photo", "--jsonl")
    finally:
        path.write_bytes(whole)
    assert result.returncode == 1
    assert len(lines(result)[0]["results"]) == 4
    assert result.stderr.count(b"is damaged (embeddings are not what was written)") == 1
    assert search("photo", "--jsonl").returncode == 0
