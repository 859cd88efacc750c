"""Which images a walk finds, and in which order."""

import fnmatch
import functools
import io
import os
import posixpath
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zsl_cli.embedding import walk
from zsl_cli.embedding.path_lists import listed
from zsl_cli.embedding.patterns import translate
from zsl_cli.embedding.walk import Walk, expand
from zsl_cli.errors import RequestError, ZslError


def tree(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return str(folder)


def below(folder, chosen=None):
    """The relative paths that a walk finds in a folder."""
    return [os.path.relpath(path, folder) for path, error in (chosen or Walk()).images_in(folder)
            if error is None]


def test_files_come_before_folders_each_in_order(tmp_path):
    folder = tree(tmp_path, "b/z.jpg", "b/a.JPG", "c.png", "a/deep/er/x.webp", "a/y.tif", "B.gif")
    assert below(folder) == ["B.gif", "c.png", "a/y.tif", "a/deep/er/x.webp", "b/a.JPG", "b/z.jpg"]


def test_hidden_and_tool_folders_are_left_out_unless_asked_for(tmp_path):
    hidden = [".git/a.jpg", ".hidden.jpg", "@eaDir/b.jpg", "__MACOSX/c.jpg", "node_modules/d.jpg",
              "x/@EADIR/e.jpg"]
    folder = tree(tmp_path, "a.jpg", "notes.txt", *hidden)
    assert below(folder) == ["a.jpg"]
    assert set(below(folder, Walk(hidden=True))) == {"a.jpg", *hidden}


@pytest.mark.parametrize(("include", "exclude", "found"), [
    (("*.png",), (), {"c.png", "2024/d.PNG", "2024/raw/e.png"}),
    (("2024/*",), (), {"2024/a.jpg", "2024/d.PNG"}),
    (("2024/**",), (), {"2024/a.jpg", "2024/d.PNG", "2024/raw/e.png"}),
    (("**/raw/*", "b.*"), (), {"2024/raw/e.png", "b.jpg"}),
    ((), ("raw",), {"b.jpg", "c.png", "2024/a.jpg", "2024/d.PNG"}),
    ((), ("2024/raw/",), {"b.jpg", "c.png", "2024/a.jpg", "2024/d.PNG"}),
    ((), ("*.png", "2024/a*"), {"b.jpg"}),
    (("*.png",), ("c.*",), {"2024/d.PNG", "2024/raw/e.png"}),
    (("[ab].jpg",), (), {"b.jpg", "2024/a.jpg"}), (("[!b]*.jpg",), (), {"2024/a.jpg"}),
    (("?.png",), (), {"c.png", "2024/d.PNG", "2024/raw/e.png"}),
    (("./b.jpg",), (), {"b.jpg"}), (("*.txt",), (), set()),
])
def test_patterns_choose(tmp_path, include, exclude, found):
    folder = tree(tmp_path, "b.jpg", "c.png", "2024/a.jpg", "2024/d.PNG", "2024/raw/e.png",
                  "notes.txt")
    assert set(below(folder, Walk(include, exclude))) == found


@given(st.text("ab*?.", min_size=1, max_size=6), st.text("ab./", min_size=1, max_size=8))
def test_a_pattern_for_a_name_matches_as_fnmatch_does(pattern, path):
    import re

    expected = fnmatch.fnmatchcase(posixpath.basename(path), pattern)
    assert bool(re.fullmatch(translate(pattern), path)) == expected or pattern.startswith("./")


@given(st.text(max_size=12))
def test_any_pattern_is_understood_or_refused(pattern):
    try:
        assert Walk(include=(pattern,))._included
    except ZslError as error:
        assert pattern in str(error) or repr(pattern) in str(error)


def test_links_are_followed_on_request_only_and_never_twice(tmp_path):
    folder = tree(tmp_path, "a/one.jpg", "elsewhere/two.jpg")
    os.symlink("one.jpg", tmp_path / "a" / "link.jpg")
    os.symlink("../elsewhere", tmp_path / "a" / "linked")
    os.symlink("..", tmp_path / "a" / "up")
    os.symlink("nowhere", tmp_path / "a" / "dead")
    os.symlink("dead.jpg", tmp_path / "a" / "dead.jpg")
    assert below(folder) == ["a/one.jpg", "elsewhere/two.jpg"]
    followed = below(folder, Walk(follow_links=True))
    assert sorted(map(os.path.basename, followed)).count("two.jpg") == 1
    assert {"a/link.jpg", "a/one.jpg"} <= set(followed)


def test_a_named_link_is_followed(tmp_path):
    tree(tmp_path, "real/one.jpg")
    os.symlink("real", tmp_path / "link")
    assert below(str(tmp_path / "link")) == ["one.jpg"]


def test_a_folder_that_vanishes_is_an_error_and_the_rest_is_found(tmp_path):
    folder = tree(tmp_path, "a/one.jpg", "b/two.jpg", "c/three.jpg")
    found = Walk().images_in(folder)
    assert next(found)[0].endswith("one.jpg")
    os.rename(tmp_path / "b", tmp_path / "x")
    (path, error), (last, _) = found
    assert path.endswith("b")
    assert error.kind == "missing"
    assert last.endswith("three.jpg")


def test_arguments_are_folders_patterns_and_files(tmp_path, monkeypatch):
    tree(tmp_path, "a/one.jpg", "two.jpg", "three.txt")
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    found = list(expand(["a/", "*.jpg", "three.txt", "empty", "*.gif"]))
    assert [path for path, error in found if error is None] == [
        "a/one.jpg", "two.jpg", "three.txt"]
    assert [(path, error.kind) for path, error in found if error] == [
        ("empty", "empty"), ("*.gif", "empty")]


@pytest.mark.parametrize("data", [
    b"a.jpg\nb c.jpg\n", b"a.jpg\r\nb c.jpg", b"\n\na.jpg\nb c.jpg\n\n", b"a.jpg\0b c.jpg\0",
    b"a.jpg\0b c.jpg"])
def test_a_list_is_read_by_lines_or_by_nul_bytes(data):
    assert list(listed(io.BytesIO(data))) == ["a.jpg", "b c.jpg"]


def test_a_nul_separated_name_may_hold_line_ends_and_any_bytes():
    names = [b"\xef\xbb\xbfa\nb.jpg", b"\xff\xfe.jpg", b"x\r.jpg"]
    assert [os.fsencode(name) for name in listed(io.BytesIO(b"\0".join(names)))] == names


@given(st.lists(st.binary(min_size=1, max_size=300).filter(lambda b: b"\0" not in b),
                min_size=2, max_size=60))
def test_long_lists_are_cut_nowhere(names):
    names = [name * 30 for name in names]
    data = io.BytesIO(b"\0".join(names))
    if b"\0" in data.getvalue()[:1 << 16]:
        assert [os.fsencode(name) for name in listed(data)] == names


@pytest.mark.parametrize("place", [
    "Photos Library.photoslibrary/originals/A", "Old.aplibrary", "x/Catalog Previews.lrdata",
    "Sessions.cocatalog", "#recycle", "@Recycle", "$RECYCLE.BIN/S-1-5-21", "RECYCLER", "#snapshot",
    "@Recently-Snapshot/daily", "~snapshot", "lost+found", "a/@eaDir/one.jpg", "__MACOSX",
    "System Volume Information"])
def test_what_belongs_to_programs_and_systems_is_never_entered_by_default(tmp_path, place,
                                                                          monkeypatch):
    folder = tree(tmp_path, f"lib/{place}/one.jpg", "lib/keep.jpg")
    monkeypatch.chdir(folder)
    for argument in ("lib", "lib/**/*.jpg", "lib/*/*.jpg", "**/*.jpg", "*/**/*.jpg"):
        found = [path for path, error in expand([argument]) if error is None]
        assert found == (["lib/keep.jpg"] if argument != "lib/*/*.jpg" else []), argument
    assert sorted(below("lib", Walk(hidden=True))) == sorted([f"{place}/one.jpg", "keep.jpg"])
    assert below(f"lib/{place}") == ["one.jpg"]  # named outright
    assert [path for path, _ in expand([f"lib/{place}/*.jpg"])] == [f"lib/{place}/one.jpg"]


@pytest.mark.usefixtures("any_file_name")
@pytest.mark.parametrize("stored", ["NFC", "NFD"])
@pytest.mark.parametrize("typed", ["NFC", "NFD"])
def test_how_an_accent_is_written_does_not_matter_to_patterns(tmp_path, monkeypatch, stored,
                                                              typed):
    name, folder = (unicodedata.normalize(stored, text) for text in ("Café à Noël.jpg", "Été"))
    tree(tmp_path, f"{folder}/{name}", "other/Cafe.jpg")
    monkeypatch.chdir(tmp_path)
    ask = functools.partial(unicodedata.normalize, typed)
    for pattern in ("Été/*.jpg", "*/Café*", "Ét?/Caf? ? No?l.jpg", "**/*[àx]*", "Été/*/../*Noël*"):
        found = [path for path, error in expand([ask(pattern)]) if error is None]
        assert found == ([f"{folder}/{name}"] if ".." not in pattern else []), pattern
    for pattern in ("été/*", "CAFÉ*", "**/noël.jpg", "caf? ? no?l.jpg"):
        expected = [] if pattern == "**/noël.jpg" else [f"{folder}/{name}"]
        assert below(".", Walk(include=(ask(pattern),))) == expected, pattern
        left = {f"{folder}/{name}", "other/Cafe.jpg"} - set(expected)
        assert set(below(".", Walk(exclude=(ask(pattern),)))) == left


@pytest.fixture
def deep(tmp_path, monkeypatch):
    """A folder in which a path of 1,500 folders begins, deeper than Python's stack; it is taken
    away again, since what tidies up after tests can't."""
    count = 1500
    monkeypatch.chdir(tmp_path)
    for _ in range(count):
        os.mkdir("d")
        os.chdir("d")
    try:
        yield tmp_path, "d/" * count
    finally:
        monkeypatch.chdir(tmp_path)
        for _ in range(count):
            os.chdir("d")
        for _ in range(count):
            for name in os.listdir():
                os.rmdir(name) if name == "d" else os.unlink(name)
            os.chdir("..")
        os.rmdir("d")


@pytest.mark.usefixtures("posix")
def test_patterns_go_as_deep_as_folders_do_and_round_in_no_circle(deep, monkeypatch):
    folder, down = deep
    open("one.jpg", "w").close()
    monkeypatch.chdir(folder)
    os.symlink("..", folder / "d" / "up")
    (folder / "two.jpg").touch()
    assert [path for path, _ in expand(["**/*.jpg"])] == ["two.jpg", f"{down}one.jpg"]
    assert below(".") == ["two.jpg", f"{down}one.jpg"]


def test_what_is_passed_over_is_counted(tmp_path, monkeypatch):
    folder = tree(tmp_path, "a.NEF", "b.dng", "c.jxl", "d.jpg", "e.txt", "sub/f.jpg")
    os.symlink("d.jpg", tmp_path / "link.jpg")
    os.symlink("sub", tmp_path / "linked")
    os.symlink("e.txt", tmp_path / "link.txt")
    monkeypatch.setattr(walk, "_is_installed", lambda module: False)
    chosen = Walk()
    assert below(folder, chosen) == ["d.jpg", "sub/f.jpg"]
    assert chosen.passed_over == {"raw": 2, "jxl": 1, "link": 2}
    chosen = Walk(exclude=("*.nef",), include=("*.dng",), follow_links=True)
    assert below(folder, chosen) == []
    assert chosen.passed_over == {"raw": 1}
    monkeypatch.setattr(walk, "_is_installed", lambda module: True)
    assert below(folder) == ["a.NEF", "b.dng", "c.jxl", "d.jpg", "sub/f.jpg"]


ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32")
MARKS = {"utf-16-le": "\ufeff", "utf-16-be": "\ufeff"}


@given(names=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n\ufeff"),
                              min_size=1, max_size=40), min_size=1, max_size=30),
       encoding=st.sampled_from(ENCODINGS), end=st.sampled_from(["\n", "\r\n"]))
def test_a_list_with_a_mark_is_read_in_its_encoding(names, encoding, end):
    text = MARKS.get(encoding, "") + end.join([*names, ""])
    assert list(listed(io.BytesIO(text.encode(encoding)))) == names


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le"])
@pytest.mark.parametrize("text", ["wanted.jpg\r\n", "wanted.jpg", "a/b\n", "C:\\photos\\a b\n"])
def test_a_list_that_may_be_utf_16_is_refused(encoding, text):
    with pytest.raises(RequestError, match="save it as UTF-8"):
        list(listed(io.BytesIO(text.encode(encoding))))


@pytest.mark.parametrize("left", [b"/", b"."])
def test_a_list_that_was_cut_off_right_after_a_slash_is_not_the_whole_disk(left):
    with pytest.raises(RequestError, match="neither lines of UTF-8 nor names between NUL bytes"):
        list(listed(io.BytesIO(b"a.jpg\0" + left)))
    assert list(listed(io.BytesIO(b"a.jpg\0/b.jpg"))) == ["a.jpg", "/b.jpg"]


def test_a_damaged_list_in_utf_16_is_refused():
    with pytest.raises(RequestError, match="begins as UTF-16"):
        list(listed(io.BytesIO("\ufeffa.jpg\n".encode("utf-16-le") + b"x")))
