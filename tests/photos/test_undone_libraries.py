"""``undo`` from Python: which sidecars of a library it takes back, and what it tells."""

import os
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sidecar_samples import DARKTABLE, MADE, TABBY, subjects, values, wrapped

from zsl_cli import LabelRequest, UndoRequest, label, undo
from zsl_cli.errors import RequestError, ZslError
from zsl_cli.photos.reporter import Reporter
from zsl_cli.photos.sidecars.files import Naming, Sidecars
from zsl_cli.photos.sidecars.merging import is_marked

SUBJECT = "{http://purl.org/dc/elements/1.1/}subject"


def tree(folder):
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def marked(folder):
    return sorted(name for name, data in tree(folder).items() if is_marked(data))


class Listener(Reporter):
    def __init__(self):
        self.changes, self.failures, self.done = [], [], 0

    def advance(self, done, failed=0):
        self.done += done

    def sidecar_changed(self, change):
        self.changes.append(change)

    def sidecar_failed(self, path, error):
        self.failures.append((path, error.kind))


@pytest.fixture
def library(tmp_path, monkeypatch):
    """Photos of some names in some folders, all with a sidecar that zsl made; they need not be
    photos."""
    folder = tmp_path / "photos"
    for name in ("a.jpg", "b.png", "sub/a.jpg", "sub/c.jpg", ".hidden/d.jpg", "@eaDir/e.jpg",
                 "x.photoslibrary/f.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
        naming = Naming.STEM if name == "b.png" else Naming.FULL
        list(Sidecars(naming).write(str(folder / name), [TABBY], MADE))
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.parametrize(("options", "left"), [
    ({}, [".hidden/d.jpg", "@eaDir/e.jpg", "x.photoslibrary/f.jpg"]),
    ({"hidden": True}, []),
    ({"include": "b.*", "hidden": True}, [".hidden/d.jpg", "@eaDir/e.jpg", "a.jpg", "sub/a.jpg",
                                          "sub/c.jpg", "x.photoslibrary/f.jpg"]),
    ({"exclude": "sub", "hidden": True}, ["sub/a.jpg", "sub/c.jpg"]),
    ({"exclude": ["sub/A.jpg"], "hidden": True}, ["sub/a.jpg"]),
    ({"include": "sub/**", "hidden": True}, [".hidden/d.jpg", "@eaDir/e.jpg", "a.jpg", "b",
                                             "x.photoslibrary/f.jpg"]),
])
@pytest.mark.parametrize("photos", [True, False])
def test_the_sidecars_of_the_photos_that_the_walk_meets(library, options, left, photos):
    if not photos:
        for photo in [*library.rglob("*.jpg"), *library.rglob("*.png")]:
            photo.unlink()
    result = undo(UndoRequest("photos", **options))
    assert marked(library) == [f"{name}.xmp" for name in left]
    assert (result.sidecars, result.removed) == (7 - len(left), 7 - len(left))
    assert result.ok


def test_whose_a_sidecar_of_a_stem_is_shows_what_lies_beside_it(library):
    undo(UndoRequest("photos", include="b.jpg"))
    assert "b.xmp" in marked(library)
    (library / "b.png").unlink()  # it may be b.jpg's, then
    undo(UndoRequest("photos", include="b.jpg"))
    assert "b.xmp" not in marked(library)


def test_photos_patterns_lists_and_sidecars_can_be_named(library):
    (library / "a.jpg").unlink()
    (library / "list.txt").write_text("photos/sub/a.jpg\nphotos/sub/c.jpg.xmp\n")
    undo(UndoRequest(["photos/a.jpg", "photos/*.png"], library / "list.txt"))
    assert [name for name in marked(library) if "/" not in name or "sub" in name] == []
    assert undo(UndoRequest(files_from=[library / "b.png"])).sidecars == 0


@pytest.mark.usefixtures("posix")
def test_links_to_folders_only_where_they_are_followed(library, tmp_path):
    (library / "sub").rename(tmp_path / "elsewhere")
    (library / "sub").symlink_to(tmp_path / "elsewhere")
    undo(UndoRequest("photos"))
    assert marked(tmp_path / "elsewhere") == ["a.jpg.xmp", "c.jpg.xmp"]
    undo(UndoRequest(["photos", "photos/sub"], follow_links=True))
    assert marked(tmp_path / "elsewhere") == []


def test_a_dry_run_writes_nothing_and_tells_all(library):
    (library / "b.jpg").touch()
    (library / "b.jpg.xmp").write_bytes(wrapped(subjects(["Mine"])))
    list(Sidecars().write(str(library / "b.jpg"), [TABBY], MADE))
    before, listener = tree(library), Listener()
    result = undo(UndoRequest("photos", dry_run=True), listener)
    assert tree(library) == before
    assert (result.sidecars, result.removed) == (5, 4)
    lines = [line for change in listener.changes for line in change.diff()]
    assert "-     <rdf:li>tabby</rdf:li>" in lines
    assert not [line for line in lines if line.startswith("+") and not line.startswith("+++ ")]
    assert [line for line in lines if line.startswith("---") and line.endswith("zsl-backup")]
    assert undo(UndoRequest("photos")) == result


def test_one_that_fails_is_told_and_the_rest_is_done(library):
    (library / "a.jpg.xmp").write_bytes((library / "a.jpg.xmp").read_bytes()[:-40])
    (library / "sub" / "zz.jpg.xmp.zsl-backup").write_bytes(DARKTABLE)
    listener = Listener()
    result = undo(UndoRequest(["photos", "nowhere"]), listener)
    assert listener.failures == [("photos/a.jpg.xmp", "sidecar"),
                                 ("photos/sub/zz.jpg.xmp", "sidecar"), ("nowhere", "missing")]
    assert (result.sidecars, result.sidecar_reasons.total(), result.ok) == (3, 3, False)
    assert listener.done == 6
    assert [name for name in marked(library) if "/" not in name] == ["a.jpg.xmp"]


def test_two_at_once_are_as_good_as_one(tmp_path):
    before = {}
    for number in range(120):
        photo = tmp_path / f"{number}.jpg"
        photo.touch()
        if number % 2:
            before[f"{number}.jpg.xmp"] = DARKTABLE
            (tmp_path / f"{number}.jpg.xmp").write_bytes(DARKTABLE)
        list(Sidecars().write(str(photo), [TABBY], MADE))
        photo.unlink()
    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(lambda _: undo(UndoRequest(tmp_path)), range(3)))
    assert [result.sidecar_reasons for result in results] == [Counter()] * 3
    assert tree(tmp_path) == before


def test_a_folder_that_cannot_be_read_is_told(library, monkeypatch):
    real = os.scandir

    def scandir(path):
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    def listdir(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", scandir)
    monkeypatch.setattr(os, "listdir", listdir)
    listener = Listener()
    result = undo(UndoRequest(["photos/b.png", "photos", "a\0b"]), listener)
    assert result.sidecars == 2
    assert [path for path, _ in listener.failures] == ["photos/b.png", "photos/sub", "a\0b"]


def test_requests_that_make_no_sense(library):
    with pytest.raises(RequestError, match="name a folder in `sources`"):
        UndoRequest()
    with pytest.raises(ZslError, match=r"nothing to undo: nowhere: no such file \(and 1 more\)"):
        undo(UndoRequest(["nowhere", "neither.xmp"]))
    with pytest.raises(RequestError, match="`files_from` gone"):
        undo(UndoRequest(files_from="gone"))
    for wrong in ({"xmp_root": "zsl"}, {"xmp_parents": False}):
        with pytest.raises(RequestError, match=r"is for `xmp`"):
            LabelRequest("photos", output="l.jsonl", **wrong)
    with pytest.raises(RequestError, match="`xmp_root` is a name"):
        LabelRequest("photos", xmp=True, xmp_root=" ")


def test_nothing_but_the_sidecars_is_needed_and_label_writes_them_again(photos, model, tmp_path,
                                                                        monkeypatch):
    """The catalogue need not be told: what a sidecar has is seen in the sidecar."""
    monkeypatch.chdir(tmp_path)
    own = photos / "c3" / "0.png.xmp"
    own.write_bytes(wrapped(subjects(["Navy"])))
    before = tree(photos)
    request = LabelRequest("photos", xmp=True, model=model, device="cpu", confidence=0.2,
                           xmp_root="zsl")
    label(request)
    written = tree(photos)
    assert values(own.read_bytes(), SUBJECT)[0] == "Navy"
    assert "navy" not in values(own.read_bytes(), SUBJECT)
    assert b"zsl|colour|navy" in (photos / "c3" / "1.png.xmp").read_bytes()
    shutil.move(model, tmp_path / "away")
    assert undo(UndoRequest("photos")).ok
    assert tree(photos) == before
    shutil.move(tmp_path / "away", model)
    again = label(request)
    assert (again.todo, again.kept) == (0, 9)
    assert tree(photos) == written
    for photo in photos.rglob("*.png"):
        os.unlink(photo)
    undo(UndoRequest("photos"))
    assert tree(photos) == {name: data for name, data in before.items() if name.endswith("xmp")}
