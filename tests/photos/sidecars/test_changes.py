"""Changes of sidecars: shown, and made safely."""

import errno
import os
import stat
from pathlib import Path

import pytest
from sidecar_samples import (
    DARKTABLE,
    LAMP,
    MADE,
    SOFA,
    SUBJECT,
    TABBY,
    merge,
    planned,
    touched,
    values,
    wrapped,
)

from zsl_cli.errors import ImageError
from zsl_cli.photos.sidecars import changes
from zsl_cli.photos.sidecars.changes import Change, apply
from zsl_cli.photos.sidecars.files import Naming
from zsl_cli.photos.sidecars.marks import ZSL
from zsl_cli.photos.sidecars.merging import is_ours
from zsl_cli.support import files


def test_a_plan_writes_nothing_and_ends_when_all_is_said(tmp_path):
    photo = touched(tmp_path, "photo.jpg")
    [change] = planned(photo, [TABBY])
    assert os.listdir(tmp_path) == ["photo.jpg"]
    apply(change)
    assert sorted(os.listdir(tmp_path)) == ["photo.jpg", "photo.jpg.xmp"]
    assert planned(photo, [TABBY]) == []
    assert planned(photo, [TABBY, SOFA]) != []


def test_no_keyword_and_no_sidecar_is_no_change(tmp_path):
    assert planned(touched(tmp_path, "photo.jpg"), []) == []


def test_both_sidecars_are_updated(tmp_path):
    photo = touched(tmp_path, "photo.jpg")
    for name in ("photo.jpg.xmp", "photo.xmp"):
        (tmp_path / name).write_bytes(DARKTABLE)
    for change in planned(photo, [TABBY]):
        apply(change)
    for name in ("photo.jpg.xmp", "photo.xmp"):
        assert "tabby" in values((tmp_path / name).read_bytes(), SUBJECT)


def test_the_diff_shows_the_lines(tmp_path):
    photo = touched(tmp_path, "photo.jpg")
    [change] = planned(photo, [TABBY])
    lines = change.diff()
    assert lines[:2] == [f"--- {os.devnull}", f"+++ {photo}.xmp"]
    assert "+     <rdf:li>tabby</rdf:li>" in lines
    wide = "\ufeff".encode("utf-16-le") + DARKTABLE.decode().replace("UTF-8", "UTF-16").encode(
        "utf-16-le")
    lines = Change("a.xmp", wide, merge(wide, [TABBY], MADE)).diff()
    assert [line for line in lines if line.startswith("+")][:2] == [
        "+++ a.xmp", "+     <rdf:li>tabby</rdf:li>"]
    assert not [line for line in lines[2:] if line.startswith("-")]


def test_a_very_long_sidecar_is_not_compared_line_by_line():
    long = wrapped("".join(f"\n<dc:a>{n % 101}</dc:a>" for n in range(30_000)))
    assert Change("a.xmp", long, merge(long, [TABBY], MADE)).diff() == [
        "--- a.xmp", "+++ a.xmp", "@@ 30,006 lines, too many to compare @@"]


def test_a_backup_is_made_once_of_what_was_there_before_zsl(tmp_path):
    photo = touched(tmp_path, "photo.jpg")
    sidecar, backup = tmp_path / "photo.jpg.xmp", tmp_path / "photo.jpg.xmp.zsl-backup"
    sidecar.write_bytes(DARKTABLE)
    for keywords in ([TABBY], [LAMP], []):
        apply(*planned(photo, keywords))
        assert backup.read_bytes() == DARKTABLE
    assert sidecar.read_bytes() == DARKTABLE


def test_a_sidecar_that_zsl_made_is_backed_up_only_once_it_holds_anothers_work(tmp_path):
    photo = touched(tmp_path, "photo.jpg")
    sidecar, backup = tmp_path / "photo.jpg.xmp", tmp_path / "photo.jpg.xmp.zsl-backup"
    for keywords in ([TABBY], [LAMP, SOFA], [], [TABBY]):
        apply(*planned(photo, keywords))
        assert is_ours(sidecar.read_bytes())
    assert not backup.exists()
    edited = sidecar.read_bytes()
    edited = edited.replace(b"<rdf:li>tabby", b"<rdf:li>Mine</rdf:li><rdf:li>tabby", 1)
    sidecar.write_bytes(edited)
    apply(*planned(photo, [SOFA]))
    assert backup.read_bytes() == edited


@pytest.mark.parametrize("rating", [' xmp:Rating="4">', "><xmp:Rating>4</xmp:Rating>"])
def test_a_property_of_another_program_makes_a_sidecar_not_only_ours(rating):
    data = merge(None, [TABBY], MADE)
    start = f' xmlns:zsl="{ZSL}">'.encode()
    assert is_ours(data)
    assert not is_ours(data.replace(
        start, start[:-1] + f' xmlns:xmp="http://ns.adobe.com/xap/1.0/"{rating}'.encode()))


@pytest.mark.usefixtures("posix")
def test_the_mode_is_kept_and_a_new_file_has_the_umasks(tmp_path):
    photo = touched(tmp_path, "photo.jpg")
    old = os.umask(0o027)
    try:
        apply(*planned(photo, [TABBY]))
    finally:
        os.umask(old)
    sidecar = tmp_path / "photo.jpg.xmp"
    assert stat.S_IMODE(sidecar.stat().st_mode) == 0o640
    sidecar.write_bytes(DARKTABLE)
    sidecar.chmod(0o604)
    apply(*planned(photo, [TABBY]))
    for path in (sidecar, tmp_path / "photo.jpg.xmp.zsl-backup"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o604


@pytest.mark.usefixtures("posix")
def test_a_linked_sidecar_is_written_through(tmp_path):
    photo = touched(tmp_path, "photo.jpg")
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "real.xmp", tmp_path / "photo.jpg.xmp"
    target.write_bytes(DARKTABLE)
    link.symlink_to(target)
    apply(*planned(photo, [TABBY]))
    assert link.is_symlink()
    assert "tabby" in values(target.read_bytes(), SUBJECT)
    assert target.with_name("real.xmp.zsl-backup").read_bytes() == DARKTABLE


@pytest.mark.usefixtures("posix")
def test_nothing_is_made_at_the_end_of_a_link_to_nothing(tmp_path):
    photo = touched(tmp_path, "photo.jpg")
    change, = planned(photo, [TABBY])
    (tmp_path / "photo.jpg.xmp").symlink_to("target")
    for work in (lambda: planned(photo, [TABBY]), lambda: apply(change)):
        with pytest.raises(ImageError, match=r"photo\.jpg\.xmp: a symbolic link to nothing"):
            work()
    assert sorted(os.listdir(tmp_path)) == ["photo.jpg", "photo.jpg.xmp"]


@pytest.mark.usefixtures("any_file_name")
def test_names_that_are_not_utf8(tmp_path):
    photo = os.fsdecode(os.fsencode(tmp_path) + b"/f\xfcr.jpg")
    Path(photo).touch()
    for naming in Naming:
        for change in planned(photo, [TABBY], naming):
            apply(change)
    assert sorted(os.listdir(os.fsencode(tmp_path))) == [b"f\xfcr.jpg", b"f\xfcr.jpg.xmp",
                                                         b"f\xfcr.xmp"]
    Path(photo + ".xmp").write_bytes(b"<broken")
    with pytest.raises(ImageError, match="f\udcfcr\\.jpg\\.xmp: not well-formed"):
        planned(photo, [TABBY], Naming.FULL)


@pytest.mark.parametrize("step", ["write", "replace"])
@pytest.mark.parametrize("existing", [None, DARKTABLE], ids=["new", "existing"])
def test_a_failure_leaves_all_as_it_was(tmp_path, monkeypatch, step, existing):
    photo = touched(tmp_path, "photo.jpg")
    sidecar = tmp_path / "photo.jpg.xmp"
    if existing:
        sidecar.write_bytes(existing)
        (tmp_path / "photo.jpg.xmp.zsl-backup").write_bytes(b"earlier")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    [change] = planned(photo, [TABBY])

    class Full:
        def __init__(self, file):
            self.file = file

        def __getattr__(self, name):
            return getattr(self.file, name)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.file.close()

        def write(self, data):
            self.file.write(data[:100])
            raise OSError(errno.ENOSPC, "No space left on device")

    def refuse(*_):
        raise PermissionError(errno.EACCES, "Permission denied")

    if step == "write":
        monkeypatch.setattr(files, "open", lambda path, mode: Full(open(path, mode)),  # noqa: SIM115
                            raising=False)
    else:
        monkeypatch.setattr(os, "replace", refuse)
    reason = "No space left" if step == "write" else "Permission denied"
    with pytest.raises(ImageError, match=rf"photo\.jpg\.xmp: cannot write it: {reason}") as failed:
        apply(change)
    assert failed.value.kind == "sidecar"
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_sidecar_that_changed_after_the_plan_is_left_alone(tmp_path):
    photo = touched(tmp_path, "photo.jpg")
    [change] = planned(photo, [TABBY])
    (tmp_path / "photo.jpg.xmp").write_bytes(DARKTABLE)
    with pytest.raises(ImageError, match="meanwhile; run zsl again"):
        apply(change)
    assert (tmp_path / "photo.jpg.xmp").read_bytes() == DARKTABLE


def test_a_read_only_sidecar_is_not_replaced(tmp_path, monkeypatch):
    photo = touched(tmp_path, "photo.jpg")
    sidecar = tmp_path / "photo.jpg.xmp"
    sidecar.write_bytes(DARKTABLE)
    sidecar.chmod(0o444)
    [change] = planned(photo, [TABBY])
    if os.access(sidecar, os.W_OK):  # root may write anything
        monkeypatch.setattr(changes.os, "access", lambda *_: False)
    with pytest.raises(ImageError, match="read-only") as refused:
        apply(change)
    assert refused.value.kind == "sidecar"
    assert sorted(os.listdir(tmp_path)) == ["photo.jpg", "photo.jpg.xmp"]


def test_what_is_no_file_is_never_opened(tmp_path):
    photo = touched(tmp_path, "photo.jpg")
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "photo.jpg.xmp")  # opening it would block for ever
    else:
        (tmp_path / "photo.jpg.xmp").mkdir()
    with pytest.raises(ImageError, match=r"photo\.jpg\.xmp: not a regular file") as refused:
        planned(photo, [TABBY])
    assert refused.value.kind == "sidecar"


def test_what_cannot_be_read_is_said(tmp_path, monkeypatch):
    photo = touched(tmp_path, "photo.jpg", "photo.jpg.xmp")

    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(ImageError, match="cannot read it: Permission denied; check") as refused:
        planned(photo, [TABBY])
    assert refused.value.kind == "sidecar"
