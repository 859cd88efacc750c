"""What is read when a library is indexed again: what is new or has changed, and nothing else."""

import os
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest
import text_model

from zsl_cli import Model
from zsl_cli.errors import ZslError
from zsl_cli.photos.catalogue import parts, places, scanning
from zsl_cli.photos.catalogue.borrowing import Lender
from zsl_cli.photos.catalogue.catalogue import Catalogue
from zsl_cli.photos.catalogue.identity import Encoder, Identity
from zsl_cli.photos.catalogue.verification import verify
from zsl_cli.photos.known import KnownEmbeddings
from zsl_cli.photos.labelling import label
from zsl_cli.photos.request import LabelRequest


def embeddings_by_path(folder):
    with Catalogue.reading(folder) as catalogue:
        slots = [slot for slot, in catalogue.db.execute(
            "SELECT slot FROM photos WHERE slot IS NOT NULL AND gone IS NULL ORDER BY slot")]
        rows = catalogue.at(slots)
        return {rows[slot].path: embedding
                for slot, embedding in zip(slots, catalogue.embeddings(slots), strict=True)}


def check(indexed, model):
    """The catalogue has all photos of the library and no other, each with its embedding."""
    found = embeddings_by_path(indexed.catalogue)
    assert sorted(found) == sorted(map(str, indexed.library.rglob("*.png")))
    expected = Model.load(model, device="cpu").embed(list(found))
    np.testing.assert_allclose(np.array(list(found.values()), np.float32), expected, atol=2e-3)


def test_what_is_new_or_changed_is_read(indexed, model):
    assert indexed.index() == (0, 0, 25)
    text_model.photo(indexed.library / "new.png", (1, 2, 3))
    text_model.photo(indexed.library / "a" / "00.png", (3, 2, 1))
    os.utime(indexed.library / "a" / "01.png", (1, 1))
    (indexed.library / "e" / "24.png").unlink()
    assert indexed.index() == (2, 0, 23)
    assert (indexed.result.gone, indexed.result.moved) == (1, 0)
    check(indexed, model)
    assert indexed.index() == (0, 0, 25)


def test_a_photo_that_was_moved_is_known_by_its_content(indexed, model):
    os.rename(indexed.library / "a" / "00.png", indexed.library / "e" / "other.png")
    os.rename(indexed.library / "a" / "01.png", indexed.library / "a" / "02-and-more.png")
    os.rename(indexed.library / "b", indexed.library / "bb")
    os.utime(indexed.library / "bb" / "05.png", (1, 1))
    assert indexed.index() == (0, 0, 25)
    assert (indexed.result.moved, indexed.result.gone) == (7, 0)
    check(indexed, model)


def test_photos_of_the_same_content_that_were_moved_are_all_known(indexed):
    text_model.photo(indexed.library / "a" / "one.png", (1, 2, 3))
    for name in ("two", "three"):
        shutil.copy(indexed.library / "a" / "one.png", indexed.library / "a" / f"{name}.png")
    assert indexed.index() == (3, 0, 25)
    os.rename(indexed.library / "a", indexed.library / "z")
    assert indexed.index() == (0, 0, 28)
    assert (indexed.result.moved, indexed.result.gone) == (8, 0)
    shutil.copy(indexed.library / "z" / "one.png", indexed.library / "z" / "four.png")
    (indexed.library / "z" / "one.png").unlink()
    assert indexed.index() == (0, 0, 28)
    assert verify(indexed.catalogue).ok


def test_photos_that_changed_places_are_not_mistaken(indexed, model):
    one, other = (indexed.library / "a" / name for name in ("00.png", "01.png"))
    os.rename(one, indexed.library / "x.png")
    os.rename(other, one)
    os.rename(indexed.library / "x.png", other)
    indexed.index()
    check(indexed, model)
    shutil.copy(one, indexed.library / "copy.png")
    one.unlink()
    shutil.copy(other, one)
    indexed.index()
    check(indexed, model)


def test_a_photo_that_comes_back_is_not_read_again(indexed, model, tmp_path):
    os.rename(indexed.library / "c", tmp_path / "away")
    assert indexed.index() == (0, 0, 20)
    assert indexed.result.gone == 5
    check(indexed, model)
    for _ in range(12):  # however often somebody looks meanwhile
        assert indexed.index() == (0, 0, 20)
    os.rename(tmp_path / "away", indexed.library / "c")
    assert indexed.index() == (0, 0, 25)
    check(indexed, model)


def test_what_is_gone_for_long_is_forgotten(indexed, monkeypatch):
    (indexed.library / "a" / "00.png").unlink()
    indexed.index()
    assert indexed.rows(where="gone IS NOT NULL") == [(1,)]
    monkeypatch.setattr(scanning, "KEPT", -1)
    indexed.index()
    assert indexed.rows(where="gone IS NOT NULL") == [(0,)]


def test_the_slot_of_a_forgotten_photo_is_no_other_ones(indexed, monkeypatch):
    last = max(slot for slot, in indexed.rows("slot"))
    indexed.change(f"DELETE FROM photos WHERE slot > {last - 3}")
    assert indexed.index() == (3, 0, 22)
    assert sorted(slot for slot, in indexed.rows("slot")) == [
        *range(last - 2), last + 1, last + 2, last + 3]


def test_a_disk_that_is_away_takes_nothing_with_it(indexed, model, tmp_path):
    os.rename(indexed.library, tmp_path / "away")
    for state in ("no folder", "an empty one"):
        with pytest.raises(ZslError, match="nothing to read"):
            indexed.index()
        assert indexed.rows(where="gone IS NULL AND slot IS NOT NULL") == [(25,)]
        if state == "no folder":
            indexed.library.mkdir()
    indexed.library.rmdir()
    os.rename(tmp_path / "away", indexed.library)
    assert indexed.index() == (0, 0, 25)
    check(indexed, model)


@pytest.mark.usefixtures("unprivileged")
def test_a_library_that_may_not_be_read_takes_nothing_with_it(indexed):
    os.chmod(indexed.library, 0)
    try:
        with pytest.raises(ZslError, match="nothing to read"):
            indexed.index()
        assert indexed.rows() == [(25,)]
    finally:
        os.chmod(indexed.library, 0o755)
    os.chmod(indexed.library / "a", 0)
    try:
        assert indexed.index() == (0, 1, 25)
    finally:
        os.chmod(indexed.library / "a", 0o755)
    assert indexed.index() == (0, 0, 25)


@pytest.mark.parametrize("ours", [True, False])
def test_a_library_that_is_mounted_elsewhere_brings_its_catalogue(indexed, tmp_path, model, ours):
    if ours:
        assert indexed.index(catalogue=None) == (0, 0, 25) or indexed.result.read == 25
    os.rename(indexed.library, tmp_path / "elsewhere")
    moved = tmp_path / "elsewhere"
    assert indexed.index(sources=str(moved),
                         catalogue=None if ours else indexed.catalogue) == (0, 0, 25)
    if not ours:
        indexed.library = moved
        check(indexed, model)


def test_a_copy_of_a_library_that_is_gone_takes_its_place(indexed, tmp_path):
    shutil.copytree(indexed.library, tmp_path / "copy", copy_function=shutil.copyfile)
    with pytest.raises(ZslError, match="is the catalogue of"):
        indexed.index(sources=str(tmp_path / "copy"))
    shutil.rmtree(indexed.library)
    assert indexed.index(sources=str(tmp_path / "copy")) == (0, 0, 25)


def test_a_copy_of_a_library_that_is_not_mounted_does_not_take_its_place(indexed, tmp_path,
                                                                         catalogues):
    indexed.index(catalogue=None)
    shutil.copytree(indexed.library, tmp_path / "copy")
    os.rename(indexed.library, tmp_path / "disk")
    indexed.library.mkdir()  # where it is mounted
    indexed.index(sources=str(tmp_path / "copy"), catalogue=None)
    indexed.library.rmdir()
    os.rename(tmp_path / "disk", indexed.library)
    assert indexed.index(catalogue=None) == (0, 0, 25)


def test_another_library_at_the_place_of_a_moved_one_is_another(indexed, tmp_path):
    assert indexed.index(catalogue=None)[2] in (0, 25)
    os.rename(indexed.library, tmp_path / "elsewhere")
    other = tmp_path / "other"
    other.mkdir()
    text_model.photo(other / "one.png", (9, 9, 9))
    assert indexed.index(sources=str(other), catalogue=None) == (1, 0, 0)
    assert indexed.index(sources=str(tmp_path / "elsewhere"), catalogue=None) == (0, 0, 25)


def test_a_folder_below_a_library_is_in_its_catalogue(indexed, catalogues):
    indexed.index(catalogue=None)
    assert indexed.index(sources=str(indexed.library / "a"), catalogue=None) == (0, 0, 5)
    assert indexed.result.gone == 0
    assert len(places.every()) == 1


def test_a_library_above_borrows_from_those_below(indexed, tmp_path, catalogues):
    for name in ("a", "b"):
        assert indexed.index(sources=str(indexed.library / name), catalogue=None) == (5, 0, 0)
    text_model.photo(indexed.library / "a" / "01.png", (3, 2, 1))  # since then it is another
    assert indexed.index(catalogue=None) == (16, 0, 9)
    assert len(places.every()) == 3
    assert indexed.index(catalogue=None) == (0, 0, 25)


def test_nothing_damaged_is_borrowed(indexed, catalogues):
    assert indexed.index(sources=str(indexed.library / "a"), catalogue=None) == (5, 0, 0)
    [folder] = places.every()
    data = bytearray((folder / "embeddings.f16").read_bytes())
    data[0] ^= 1  # of the first
    (folder / "embeddings.f16").write_bytes(data[:-1])  # and the last is no longer there
    assert indexed.index(catalogue=None) == (22, 0, 3)


def test_what_is_damaged_in_one_is_borrowed_from_another(indexed, catalogues):
    for name in ("a", "[ab]"):
        indexed.index(sources=str(indexed.library / name / ("*" * (name != "a"))), catalogue=None)
    for folder in places.every():
        path = folder / "embeddings.f16"
        if os.path.getsize(path) == 5 * 8:
            path.write_bytes(b"\1" * 5 * 8)
    assert indexed.index(catalogue=None) == (15, 0, 10)


def thumbnails(indexed, **changes):
    """Of how many photos a report has one, and how many photos were read for it."""
    page = indexed.library.parent / "report.html"
    result = label(LabelRequest(indexed.library, report=page, model=indexed.request.model,
                                device="cpu", **changes))
    return page.read_text().count('"/9j/'), result.read


def test_photos_that_are_borrowed_have_thumbnails_in_a_report(indexed, catalogues, tmp_path):
    indexed.index(sources=str(indexed.library / "a"), catalogue=None)
    assert thumbnails(indexed) == (25, 25)
    assert thumbnails(indexed, catalogue=tmp_path / "new") == (25, 0)


def test_photos_that_were_moved_have_thumbnails_in_a_report(indexed):
    os.rename(indexed.library / "a", indexed.library / "z")
    assert thumbnails(indexed, catalogue=indexed.catalogue) == (25, 25)
    assert len(indexed.rows("*")) == 25
    os.rename(indexed.library / "z", indexed.library / "a")
    assert thumbnails(indexed, catalogue=indexed.catalogue) == (25, 0)


def test_what_is_borrowed_is_compared_if_content_is_to_be(indexed, catalogues):
    indexed.index(sources=str(indexed.library / "a"), catalogue=None)
    [folder] = places.every()
    with closing(sqlite3.connect(folder / "catalogue.sqlite")) as connection, connection:
        connection.execute("UPDATE photos SET crc = crc + 1 WHERE id = 2")
    assert indexed.index(catalogue=None, check_content=True) == (21, 0, 4)


def test_a_catalogue_whose_new_place_is_taken_stays_where_it_is(indexed, tmp_path, catalogues):
    indexed.index(catalogue=None)
    [before] = places.every()
    with Catalogue.reading(before) as catalogue:
        encoder = catalogue.identity.encoder
    moved = tmp_path / "moved"
    os.rename(indexed.library, moved)
    place, _ = places.place_of([str(moved)], encoder)
    place.mkdir()
    (place / "mine.txt").touch()
    for _ in range(2):
        assert indexed.index(sources=str(moved), catalogue=None) == (0, 0, 25)
        assert places.every() == [before]


def test_photos_asked_for_in_any_order_cost_the_same(indexed, catalogues, monkeypatch):
    indexed.index(catalogue=None)
    [folder] = places.every()
    paths = sorted(map(str, indexed.library.rglob("*.png")))
    with Catalogue.reading(folder) as catalogue:
        steps = []
        catalogue.db.set_progress_handler(lambda: steps.append(1) and None, 1)

        def cost(asked):
            steps.clear()
            known = KnownEmbeddings([Lender(catalogue)])
            assert all(known.get(path) is not None for path in asked)
            return len(steps)

        assert cost(sorted(paths, key=os.path.basename)) == cost(paths)
        assert cost(sorted(paths, key=lambda path: path[-5])) < 1.1 * cost(paths)


def test_a_mixed_list_of_many_folders_costs_little_more_than_a_sorted_one(tmp_path, monkeypatch):
    monkeypatch.setattr(scanning, "_FOLDERS", 2)
    for number in range(400):
        path = tmp_path / "photos" / f"{number % 4}" / f"{number:03}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    mixed = sorted(map(str, tmp_path.rglob("*.jpg")), key=os.path.basename)
    identity = Identity(str(tmp_path / "photos"), Encoder("m", "d", 4))
    steps = []
    with Catalogue.writing(tmp_path / "kept", identity) as catalogue:
        catalogue.db.set_progress_handler(lambda: steps.append(1) and None, 10)

        def cost(paths):
            steps.clear()
            assert len(scanning.scan(catalogue, ((path, None) for path in paths))) == 400
            return len(steps)

        cost(mixed)
        assert cost(mixed) < 5 * cost(sorted(mixed))


def test_another_name_of_the_library_is_no_other_library(indexed, tmp_path, posix):
    os.symlink(indexed.library, tmp_path / "link")
    assert indexed.index(sources=str(tmp_path / "link")) == (0, 0, 25)
    assert indexed.index(sources=[str(tmp_path / "link" / "a"), str(indexed.library)]) == (0, 0, 25)
    assert indexed.index(sources=os.path.relpath(indexed.library)) == (0, 0, 25)


def test_a_catalogue_of_another_library_or_model_is_refused(indexed, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    text_model.photo(other / "one.png", (9, 9, 9))
    with pytest.raises(ZslError, match=rf"is the catalogue of {indexed.library}, not of {other}"):
        indexed.index(sources=str(other))
    [(encoder,)] = indexed.facts("encoder")
    indexed.change("UPDATE facts SET value = 'other' WHERE name = 'encoder'")
    with pytest.raises(ZslError, match=r"made by another version of model 'paint'.*zsl catalogues"):
        indexed.index()
    indexed.change("UPDATE facts SET value = 'second' WHERE name = 'model'")
    with pytest.raises(ZslError, match=r"was made by model 'second', not 'paint'.*zsl catalogues"):
        indexed.index()
    indexed.change("UPDATE facts SET value = 'paint' WHERE name = 'model'",
                   f"UPDATE facts SET value = '{encoder}' WHERE name = 'encoder'")
    assert indexed.index() == (0, 0, 25)


def test_a_run_that_comes_to_nothing_leaves_no_catalogue(indexed, tmp_path, catalogues):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ZslError, match="nothing to read"):
        indexed.index(sources=str(tmp_path / "empty"), catalogue=tmp_path / "new")
    assert not (tmp_path / "new").exists()
    indexed.index(dry_run=True, catalogue=tmp_path / "new")
    assert indexed.result.todo == 25
    assert not (tmp_path / "new").exists()


def test_what_came_to_nothing_is_removed_when_it_is_closed(tmp_path, monkeypatch):
    closed = []

    def remove(files, folder):
        assert [path.name for path in files] == ["catalogue.sqlite", "embeddings.f16", "lock"]
        with pytest.raises(sqlite3.ProgrammingError, match="closed"):
            catalogue.db.execute("SELECT 1")
        closed.append(folder)

    with Catalogue.writing(tmp_path, Identity("", Encoder("m", "d", 4))) as catalogue:
        monkeypatch.setattr(parts, "remove", remove)
    assert closed == [tmp_path]
