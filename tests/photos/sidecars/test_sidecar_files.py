"""Sidecars: which file is a photo's, and keywords for it."""

import os
import subprocess
import sys

import pytest
from sidecar_samples import (
    ALONE,
    DARKTABLE,
    MADE,
    SOFA,
    SUBJECT,
    TABBY,
    merge,
    planned,
    subjects,
    touched,
    values,
    wrapped,
)

from zsl_cli.errors import ImageError
from zsl_cli.photos.sidecars import changes
from zsl_cli.photos.sidecars import files as sidecar_files
from zsl_cli.photos.sidecars.changes import apply
from zsl_cli.photos.sidecars.files import Naming, Sidecars


@pytest.mark.parametrize(("naming", "there", "chosen"), [
    (Naming.FULL, ["photo.xmp"], ["photo.jpg.xmp"]),
    (Naming.STEM, ["photo.jpg.xmp"], ["photo.xmp"]),
    (Naming.AUTO, [], ["photo.jpg.xmp"]),
    (Naming.AUTO, ["photo.xmp"], ["photo.xmp"]),
    (Naming.AUTO, ["photo.jpg.xmp"], ["photo.jpg.xmp"]),
    (Naming.AUTO, ["photo.xmp", "photo.jpg.xmp"], ["photo.jpg.xmp", "photo.xmp"]),
    (Naming.AUTO, ["photo.xmp", "photo.CR2"], ["photo.jpg.xmp"]),
    (Naming.AUTO, ["photo.xmp", "photo.png", "photo.jpg.xmp"], ["photo.jpg.xmp"]),
    (Naming.AUTO, ["photo.xmp", "photo.txt", "photo2.cr2"], ["photo.xmp"]),
    (Naming.STEM, ["photo.txt", "photo.b.jpg"], ["photo.xmp"]),
])
def test_the_sidecars_name(tmp_path, naming, there, chosen):
    photo = touched(tmp_path, "photo.jpg", *there)
    assert [os.path.basename(path) for path in Sidecars(naming).paths(photo)] == chosen


def test_a_shared_stem_is_refused_by_name(tmp_path):
    photo = touched(tmp_path, "photo.jpg", "photo.cr3")
    with pytest.raises(ImageError, match=r"photo\.cr3, too: use the full naming, photo\.jpg\.xmp"):
        Sidecars(Naming.STEM).paths(photo)


@pytest.mark.parametrize("suffix", sorted(sidecar_files.RAW_SUFFIXES))
def test_a_sidecar_is_left_to_a_raw_file_beside_it(tmp_path, suffix):
    for raw in (f"photo{suffix}", f"photo{suffix.upper()}"):
        (tmp_path / suffix / raw).mkdir(parents=True)
        photo = touched(tmp_path / suffix / raw, "photo.jpg", "photo.xmp", raw)
        assert Sidecars().paths(photo) == [f"{photo}.xmp"]


def owned(extension, *, attribute):
    namespace = ' xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/"'
    said = "photoshop:SidecarForExtension"
    return (wrapped("", f'{namespace} {said}="{extension}"') if attribute
            else wrapped(f"<{said}>{extension}</{said}>", namespace))


@pytest.mark.parametrize("attribute", [True, False])
@pytest.mark.parametrize(("extension", "own"), [("NEF", False), (".cr3", False), ("tif", False),
                                                ("JPG", True), ("jpg", True), ("", True)])
def test_a_sidecar_that_says_whose_it_is_is_left_to_that_file(tmp_path, extension, own, attribute):
    photo, stem = touched(tmp_path, "photo.jpg"), tmp_path / "photo.xmp"
    data = owned(extension, attribute=attribute)
    for encoding in ("utf-8", "utf-16-le"):
        stem.write_bytes(data.decode().encode(encoding))
        assert Sidecars().paths(photo) == [str(stem) if own else f"{photo}.xmp"]
        if own:
            assert Sidecars(Naming.STEM).paths(photo) == [str(stem)]
        else:
            with pytest.raises(ImageError, match=r"that of a \w+ file: use the full naming"):
                Sidecars(Naming.STEM).paths(photo)


def test_a_sidecar_of_the_other_name_is_not_hidden(tmp_path):
    photo, stem = touched(tmp_path, "photo.jpg"), tmp_path / "photo.xmp"
    stem.write_bytes(merge(wrapped(subjects(["Mine"])), [SOFA], MADE))
    [change] = planned(photo, [TABBY], Naming.FULL)
    assert change.path == f"{photo}.xmp"
    assert values(change.after, SUBJECT) == ["Mine", "tabby"]
    (tmp_path / "photo.nef").touch()
    [change] = planned(photo, [TABBY], Naming.FULL)  # then it is the raw file's
    assert values(change.after, SUBJECT) == ["tabby"]


def test_a_blank_sidecar_is_filled_and_its_copy_tells_that_there_was_one(tmp_path):
    photo = touched(tmp_path, "photo.jpg", "photo.jpg.xmp")
    [change] = Sidecars(layout=ALONE).write(photo, [TABBY], MADE)
    assert change.before == b""
    assert values((tmp_path / "photo.jpg.xmp").read_bytes(), SUBJECT) == ["tabby"]
    assert sorted(os.listdir(tmp_path)) == ["photo.jpg", "photo.jpg.xmp",
                                            "photo.jpg.xmp.zsl-backup"]


def test_what_another_program_writes_meanwhile_is_merged_into(tmp_path, monkeypatch):
    photo, sidecar = touched(tmp_path, "photo.jpg"), tmp_path / "photo.jpg.xmp"
    sidecar.write_bytes(wrapped(""))
    others = [wrapped(subjects(["first"])), wrapped(subjects(["second"]))]
    real = changes.replacing

    def late(path, **options):
        if others and not str(path).endswith(".zsl-backup"):
            sidecar.write_bytes(others.pop())
        return real(path, **options)

    monkeypatch.setattr(changes, "replacing", late)
    assert len(list(Sidecars(layout=ALONE).write(photo, [TABBY], MADE))) == 1
    assert values(sidecar.read_bytes(), SUBJECT) == ["first", "tabby"]


def test_a_sidecar_that_never_stands_still_is_left_alone(tmp_path, monkeypatch):
    photo, sidecar = touched(tmp_path, "photo.jpg"), tmp_path / "photo.jpg.xmp"
    real, count = changes.replacing, iter(range(99))

    def late(path, **options):
        sidecar.write_bytes(wrapped(subjects([f"state {next(count)}"])))
        return real(path, **options)

    monkeypatch.setattr(changes, "replacing", late)
    with pytest.raises(ImageError, match="meanwhile; run zsl again"):
        list(Sidecars(layout=ALONE).write(photo, [TABBY], MADE))
    assert "tabby" not in sidecar.read_text()


def test_two_runs_at_once_lose_nothing_of_each_other(tmp_path):
    photo, sidecar = touched(tmp_path, "photo.jpg"), tmp_path / "photo.jpg.xmp"
    sidecar.write_bytes(DARKTABLE)
    script = ("import sys\nfrom zsl_cli.errors import ImageError\n"
              "from zsl_cli.photos.entry import Provenance\n"
              "from zsl_cli.photos.sidecars.files import Sidecars\n"
              "from zsl_cli.classifier.predictions import Keyword\n"
              "from zsl_cli.vocabulary.names.label import Label\n"
              "for n in range(40):\n"
              "    found = [Keyword(Label('1', '1'), f'{sys.argv[2]}{n}', 0.5)]\n"
              "    try: list(Sidecars().write(sys.argv[1], found, Provenance('m', 'v', '1')))\n"
              "    except ImageError as error: assert 'meanwhile' in str(error), error\n")
    writers = [subprocess.Popen([sys.executable, "-c", script, photo, letter])
               for letter in "ab"]
    while any(writer.poll() is None for writer in writers):
        assert values(sidecar.read_bytes(), SUBJECT)[:2] == ["Holiday", "Sofa"]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert (tmp_path / "photo.jpg.xmp.zsl-backup").read_bytes() == DARKTABLE
    assert len(os.listdir(tmp_path)) == 3


def test_a_photo_in_the_working_folder(tmp_path, monkeypatch):
    touched(tmp_path, "photo.jpg")
    monkeypatch.chdir(tmp_path)
    [change] = Sidecars(Naming.STEM, ALONE).plan("photo.jpg", [TABBY], MADE)
    apply(change)
    assert values((tmp_path / "photo.xmp").read_bytes(), SUBJECT) == ["tabby"]
