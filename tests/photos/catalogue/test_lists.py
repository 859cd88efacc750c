"""Catalogues of lists of photos, which may lie anywhere."""

import os
import shutil

import pytest

from zsl_cli.photos.catalogue import scanning


@pytest.mark.parametrize("at_once", [1, 64])
def test_a_list_in_any_order_is_one_library(indexed, tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(scanning, "_FOLDERS", at_once)
    paths = [str(path) for path in sorted(indexed.library.rglob("*.png"))]
    mixed = paths[::2] + paths[1::2]
    assert indexed.index(sources=(), files_from=mixed, catalogue=tmp_path / "new") == (25, 0, 0)
    assert indexed.index(sources=(), files_from=mixed[::-1] + mixed,
                         catalogue=tmp_path / "new") == (0, 0, 25)


def test_what_is_gone_of_earlier_lists_is_noted_unless_its_folder_is_away(indexed, tmp_path):
    photos = sorted(map(str, indexed.library.rglob("*.png")))

    def index_listed(paths):
        return indexed.index(sources=(), files_from=paths, catalogue=tmp_path / "lists")

    assert index_listed(photos[:10]) == (10, 0, 0)  # of the folders a and b
    os.unlink(photos[0])
    os.rename(indexed.library / "b", tmp_path / "away")
    assert index_listed(photos[10:12]) == (2, 0, 0)
    assert indexed.result.gone == 1
    os.rename(tmp_path / "away", indexed.library / "b")
    os.rename(photos[1], indexed.library / "c" / "moved.png")
    assert index_listed([str(indexed.library / "c" / "moved.png")]) == (0, 0, 1)
    assert (indexed.result.moved, indexed.result.gone) == (1, 0)


def test_so_is_what_a_list_in_a_library_has_of_other_places(indexed, tmp_path):
    shutil.copy(indexed.library / "a" / "00.png", tmp_path / "outside.png")
    (indexed.library / "list.txt").write_text(f"{tmp_path}/outside.png\n")
    indexed.index(sources=(), files_from=indexed.library / "list.txt")
    assert indexed.result.gone == 0
    (tmp_path / "outside.png").unlink()
    assert indexed.index() == (0, 0, 25)
    assert indexed.result.gone == 1


def test_a_mixed_list_borrows_what_others_know(indexed, monkeypatch, catalogues):
    monkeypatch.setattr(scanning, "_FOLDERS", 1)
    indexed.index(catalogue=None)
    paths = sorted(map(str, indexed.library.rglob("*.png")), key=lambda path: path[-5])
    assert indexed.index(sources=(), files_from=paths, catalogue=None) == (0, 0, 25)
