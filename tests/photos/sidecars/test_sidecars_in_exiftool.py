"""What exiftool, which many programs read sidecars with, finds in those of zsl."""

import json
import subprocess

import pytest
from sidecar_samples import (
    ALONE,
    DARKTABLE,
    LAMP,
    MADE,
    REAL,
    SOFA,
    SUBJECT,
    TABBY,
    TAGS,
    keyword,
    merge,
    values,
)

from zsl_cli.photos.sidecars.changes import apply
from zsl_cli.photos.sidecars.files import Naming, Sidecars


@pytest.fixture(scope="module")
def read_by_exiftool(exiftool):
    """exiftool's reading of files, or of warnings about them."""

    def read(*arguments) -> list[dict]:
        command = [exiftool, "-j", "-G1", "-struct", *map(str, arguments)]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

    return read


def test_exiftool_reads_new_sidecars_without_a_warning(tmp_path, read_by_exiftool):
    (tmp_path / "photo.jpg").touch()
    odd = keyword("a&b <ü> \x00", ("x", "a&b <ü> \x00"), 0.1)
    for naming in (Naming.FULL, Naming.STEM):
        apply(*Sidecars(naming, ALONE).plan(str(tmp_path / "photo.jpg"), [TABBY, SOFA, odd], MADE))
    files = [tmp_path / "photo.jpg.xmp", tmp_path / "photo.xmp"]
    for read in read_by_exiftool(*files):
        assert read["XMP-dc:Subject"] == ["tabby", "sofa", "a&b <ü> \ufffd"]
        assert read["XMP-lr:HierarchicalSubject"] == [
            "animal|feline|cat|tabby", "artifact|furniture|sofa", "x|a&b <ü> \ufffd"]
        assert read["XMP-digiKam:TagsList"] == [
            "animal/feline/cat/tabby", "artifact/furniture/sofa", "x/a&b <ü> \ufffd"]
        assert read["XMP-zsl:Automatic"] == ["tabby", "sofa", "a&b <ü> \ufffd"]
    for read in read_by_exiftool("-validate", "-warning", "-error", "-a", *files):
        assert read.pop("ExifTool:Validate") == "OK"
        assert list(read) == ["SourceFile"]


def test_exiftool_reads_merged_sidecars(tmp_path, read_by_exiftool):
    before, after = [], []
    for name, data in REAL.items():
        old, new = tmp_path / f"{name}-old.xmp", tmp_path / f"{name}-new.xmp"
        old.write_bytes(data)
        new.write_bytes(merge(data, [TABBY, SOFA], MADE))
        before.append(old)
        after.append(new)
    ours = ("XMP-dc:Subject", "XMP-lr:HierarchicalSubject", "XMP-digiKam:TagsList")
    for old, new in zip(read_by_exiftool(*before), read_by_exiftool(*after), strict=True):
        for key, value in old.items():
            if key in ours:
                had = value if isinstance(value, list) else [value]  # exiftool's list of one
                assert new[key][:len(had)] == had
            elif not key.startswith(("System:", "SourceFile", "ExifTool:")):
                assert new[key] == value
        assert "tabby" in new["XMP-dc:Subject"]
        assert "animal|feline|cat|tabby" in new["XMP-lr:HierarchicalSubject"]
        assert "animal/feline/cat/tabby" in new["XMP-digiKam:TagsList"]
        assert [name.lower() for name in new["XMP-dc:Subject"]].count("sofa") == 1


def test_exiftools_edits_are_respected(tmp_path, exiftool):
    """It rewrites the whole packet, one description a namespace."""
    sidecar = tmp_path / "photo.jpg.xmp"
    sidecar.write_bytes(merge(DARKTABLE, [TABBY, LAMP], MADE))
    subprocess.run([exiftool, "-q", "-overwrite_original", "-XMP-dc:Subject-=tabby",
                    "-XMP-dc:Subject+=Mine", str(sidecar)], check=True)
    edited = merge(sidecar.read_bytes(), [TABBY, SOFA, keyword("rug", (), 0.2)], MADE)
    assert values(edited, SUBJECT) == ["Holiday", "Sofa", "Mine", "rug"]
    assert b"feline" not in edited
    assert values(edited, TAGS) == ["places/Holiday", "Sofa", "Mine", "rug"]  # the sofa is his
