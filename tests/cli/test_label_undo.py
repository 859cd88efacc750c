"""``zsl label --xmp --undo``: the real command line over real photographs."""

import os

import pytest
from sidecar_samples import ADOBE, DARKTABLE, DIGIKAM, SUBJECT, values


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def test_the_library_is_what_it_was_but_for_what_came_since(zsl, library):
    for name, packet in {"a/00.jpg.xmp": DARKTABLE, "a/01.xmp": DIGIKAM, "a/02.jpg.xmp": ADOBE,
                         "a/03.jpg.xmp": b""}.items():
        (library / name).write_bytes(packet)
    before = tree(library)
    run = ("label", "photos", "--xmp", "--xmp-root", "zsl", "--confidence", "0.1")
    assert zsl(*run).returncode == 0
    assert len(tree(library)) == len(before) + 20 + 4
    since = library / "b" / "10.jpg.xmp"
    since.write_text(since.read_text("utf-8").replace("<rdf:li>", "<rdf:li>Anna</rdf:li><rdf:li>",
                                                      1), "utf-8")
    written = tree(library)

    dry = zsl("label", "photos", "--xmp", "--undo", "--dry-run")
    assert dry.returncode == 0
    assert tree(library) == written
    assert b"+++ " + os.fsencode(os.devnull) in dry.stdout
    assert b"sidecars would be taken back" in dry.stderr

    # nothing but the sidecars is needed, and other options do not matter
    result = zsl("label", "photos", "--xmp", "--undo", "-j", "2", "--model", "gone",
                 "--threshold", "0.2", env={"XDG_DATA_HOME": "/dev/null/no"})
    assert (result.returncode, result.stdout) == (0, b"")
    assert values(since.read_bytes(), SUBJECT) == ["Anna"]
    assert b"zsl:" not in since.read_bytes()
    since.unlink()
    assert tree(library) == before
    assert b"0 sidecars taken back" in zsl("label", "photos", "--xmp", "--undo").stderr

    again = zsl(*run)
    assert b"24 known already" in again.stderr
    expected = {name: data for name, data in written.items() if "10.jpg.xmp" not in name}
    assert {name: data for name, data in tree(library).items()
            if "10.jpg.xmp" not in name} == expected


def test_one_bad_sidecar_does_not_keep_the_others(zsl, library):
    zsl("label", "photos/a", "--xmp", "--confidence", "0.1", "-q")
    broken = library / "a" / "00.jpg.xmp"
    broken.write_bytes(broken.read_bytes()[:-30])
    result = zsl("label", "--xmp", "--undo", "--files-from", "-",
                 stdin=b"photos/a\nnowhere.jpg\n")
    assert result.returncode == 1
    assert b"sidecar 00.jpg.xmp: not well-formed XML" in result.stderr
    assert b"nowhere.jpg: no such file" in result.stderr
    assert [path.name for path in library.rglob("*.xmp")] == ["00.jpg.xmp"]


@pytest.mark.parametrize(("arguments", "message"), [
    (["photos", "--undo"], "--undo is for --xmp"),
    (["photos", "--xmp", "--undo", "-o", "l.csv"], "give neither --output nor --report"),
    (["nowhere", "--xmp", "--undo"], "nothing to undo: nowhere: no such file"),
    (["photos", "--xmp-root", "zsl", "-o", "l.csv"], "--xmp-root is for --xmp"),
    (["photos", "--no-xmp-parents", "-o", "l.csv"], "is for --xmp"),
    (["--xmp", "--undo"], "name a FOLDER")])
def test_what_makes_no_sense_is_refused(zsl, library, arguments, message):
    result = zsl("label", *arguments)
    assert result.returncode == 2
    assert message in " ".join(result.stderr.decode().split())
    assert not list(library.rglob("*.xmp"))
