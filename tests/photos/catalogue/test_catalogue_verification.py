"""Damage to a catalogue is found, and what can be saved is."""

import os
import shutil
import zlib
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest

from zsl_cli.errors import ZslError
from zsl_cli.photos.catalogue import compaction, places
from zsl_cli.photos.catalogue.catalogue import Catalogue
from zsl_cli.photos.catalogue.verification import repair, verify
from zsl_cli.photos.labelling import label
from zsl_cli.photos.request import LabelRequest

DIMENSION = 4
ROW = 2 * DIMENSION


def damage(indexed, slot, data):
    with open(indexed.catalogue / "embeddings.f16", "rb+") as file:
        file.seek(slot * ROW)
        file.write(data)


def test_a_good_one_is_left_as_it_is(indexed):
    files = [indexed.catalogue / name for name in ("catalogue.sqlite", "embeddings.f16")]
    before = [path.read_bytes() for path in files]
    found = verify(indexed.catalogue)
    assert found.ok
    assert found.checked == 25
    assert [path.read_bytes() for path in files] == before
    result = repair(indexed.catalogue)
    assert (result.found.ok, result.rebuilt, result.kept, result.again) == (True, False, 25, 0)
    assert indexed.index() == (0, 0, 25)


def test_each_kind_of_damage_is_told_and_read_again(indexed):
    damage(indexed, 3, b"\xff" * ROW)
    damage(indexed, 4, b"\0" * ROW)
    os.truncate(indexed.catalogue / "embeddings.f16", 24 * ROW + 1)
    nonsense = np.array([3, 0, 0, 0], "<f2")
    damage(indexed, 5, nonsense.tobytes())
    indexed.change(f"UPDATE photos SET checksum = {zlib.crc32(nonsense.tobytes())} WHERE slot = 5",
                   "UPDATE photos SET kind = 'odd', slot = NULL WHERE slot = 6",
                   "UPDATE photos SET folder = 99 WHERE slot = 7")
    found = verify(indexed.catalogue)
    assert not found.ok
    assert {what.many: count for what, count in found.damage.items()} == {
        "embeddings that are not what was written": 2, "embeddings that are not in the file": 1,
        "embeddings that are no unit vectors": 1, "rows that make no sense": 1,
        "rows of a folder that is not known": 1}
    result = repair(indexed.catalogue)
    assert (result.rebuilt, result.kept, result.again) == (False, 19, 5)
    assert verify(indexed.catalogue).ok
    assert indexed.index() == (6, 0, 19)
    assert verify(indexed.catalogue).checked == 25


def test_a_photo_of_which_one_bit_flipped_is_read_again(indexed, model, tmp_path):
    """The number is as good as any other, so that only its checksum tells."""
    request = LabelRequest(indexed.library, output=tmp_path / "l.jsonl", model=model,
                           catalogue=indexed.catalogue, device="cpu")
    path = indexed.catalogue / "embeddings.f16"
    before = path.read_bytes()[3 * ROW]
    label(request)
    sound = (tmp_path / "l.jsonl").read_bytes()
    damage(indexed, 3, bytes([before ^ 1]))
    assert not verify(indexed.catalogue).ok
    label(replace(request, top=3))
    assert verify(indexed.catalogue).ok
    label(request)
    assert (tmp_path / "l.jsonl").read_bytes() == sound


@pytest.mark.parametrize("lost", ["cut", "zeros", "all"])
def test_after_a_power_cut_what_the_disk_did_not_get_is_read_again(indexed, lost):
    """The rows know more than the file has of embeddings: those behind the last sync."""
    indexed.change("UPDATE facts SET value = '20' WHERE name = 'synced'")
    path = indexed.catalogue / "embeddings.f16"
    if lost == "cut":
        os.truncate(path, 22 * ROW + 3)
    elif lost == "zeros":
        damage(indexed, 22, bytes(3 * ROW))
    else:
        path.unlink()
        path.touch()
    before = indexed.rows("slot, checksum", "slot < 20")
    assert indexed.index() == ((25, 0, 0) if lost == "all" else (3, 0, 22))
    assert verify(indexed.catalogue).ok
    if lost != "all":
        assert set(before) <= set(indexed.rows("slot, checksum"))


@pytest.mark.parametrize("reader", ["reading", "transient"])
def test_who_reads_after_a_power_cut_hears_of_damage_and_of_nothing_else(indexed, reader):
    os.truncate(indexed.catalogue / "embeddings.f16", 22 * ROW)
    with Catalogue.reading(indexed.catalogue) as catalogue:
        with pytest.raises(ZslError, match="embeddings are missing"):
            catalogue.embeddings([24])
        assert len(catalogue.embeddings([21, 0])) == 2
        if reader == "transient":
            with Catalogue.transient(indexed.catalogue, catalogue.identity) as forgotten:
                assert forgotten.db.execute(
                    "SELECT count(*) FROM photos WHERE todo").fetchone() == (3,)


def corrupt(indexed, place):
    """Overwrite some pages of the database: a leaf, the root of the photos, or the head."""
    indexed.change("PRAGMA wal_checkpoint(TRUNCATE)")
    path = indexed.catalogue / "catalogue.sqlite"
    [(size,)] = indexed.select("PRAGMA page_size")
    [(root,)] = indexed.select("SELECT rootpage FROM sqlite_master WHERE name = 'photos'")
    data = bytearray(path.read_bytes())
    if place == "leaf":  # of the table or of an index
        pages = [at for at in range(root, len(data) // size)
                 if data[at * size] == 0x0D]
        data[pages[len(pages) // 2] * size:][:size] = b"\xae" * size
        start = pages[len(pages) // 2] * size
        data[start:start + size] = b"\xae" * size
    elif place == "root":
        data[(root - 1) * size:root * size] = b"\xae" * size
    else:
        data[:size] = b"\xae" * size
    path.write_bytes(data)


@pytest.fixture
def large(indexed):
    """So many rows that they lie on several pages; most of files that are not there."""
    with Catalogue.reading(indexed.catalogue) as catalogue:
        identity = catalogue.identity
    with (Catalogue.writing(indexed.catalogue, identity) as catalogue, catalogue.transaction()):
        embedding = catalogue.embeddings([0])[0]
        for number in range(1000):
            catalogue.insert(100 + number, 1, b"%04d.png" % number, (1, 2, 3, number), embedding,
                             (None, None, None))
    return indexed


def test_what_can_be_read_of_a_damaged_database_is_saved(large):
    corrupt(large, "leaf")
    found = verify(large.catalogue)
    assert not found.ok
    assert found.database
    result = repair(large.catalogue)
    assert result.rebuilt
    assert 500 < result.kept < 1025
    assert verify(large.catalogue).ok
    assert (large.catalogue / "catalogue.sqlite.damaged").exists()
    read, failed, known = large.index()
    assert (read + known, failed) == (25, 0)
    assert large.index() == (0, 0, 25)


@pytest.mark.parametrize("place", ["root", "head"])
def test_where_nothing_can_be_saved_the_next_run_begins_anew(large, place):
    corrupt(large, place)
    with pytest.raises(ZslError, match="zsl catalogues verify"):
        large.index()
    assert verify(large.catalogue).database
    result = repair(large.catalogue)
    assert result.saved == (place == "root")
    assert result.kept == 0
    assert (large.catalogue / "catalogue.sqlite.damaged").exists()
    assert large.index() == (25, 0, 0)
    assert verify(large.catalogue).ok


def test_a_catalogue_whose_embeddings_are_gone_is_repaired_and_read_again(indexed):
    (indexed.catalogue / "embeddings.f16").unlink()
    found = verify(indexed.catalogue)
    assert [what.one for what in found.damage] == ["file with embeddings that is not there"]
    result = repair(indexed.catalogue)
    assert (result.rebuilt, result.saved, result.kept, result.again) == (False, True, 0, 25)
    assert verify(indexed.catalogue).ok
    assert indexed.index() == (25, 0, 0)


def test_an_empty_database_is_one_of_which_nothing_is_known(indexed):
    (indexed.catalogue / "catalogue.sqlite").write_bytes(b"")
    with pytest.raises(ZslError, match="an empty catalogue; index the library again"):
        verify(indexed.catalogue)
    indexed.index(dry_run=True)
    assert indexed.result.todo == 25
    assert indexed.index() == (25, 0, 0)


def test_a_catalogue_that_is_in_use_is_not_repaired(indexed):
    damage(indexed, 3, b"\xff" * ROW)
    with Catalogue.reading(indexed.catalogue) as catalogue:
        identity = catalogue.identity
    with Catalogue.writing(indexed.catalogue, identity):
        assert not verify(indexed.catalogue).ok
        with pytest.raises(ZslError, match="another run is reading the same photos"):
            repair(indexed.catalogue)


def test_what_is_no_catalogue_is_an_error(tmp_path):
    with pytest.raises(ZslError, match="no catalogue in this folder"):
        verify(tmp_path)


@pytest.fixture
def loose(indexed, monkeypatch):
    """Of which 15 of 40 slots are unused."""
    monkeypatch.setattr(compaction, "_LEAST", 10)
    indexed.change("UPDATE photos SET crc = NULL WHERE slot BETWEEN 5 AND 12")
    assert indexed.index() == (8, 0, 17)
    assert not (indexed.catalogue / "embeddings-1.f16").exists()
    return indexed


def test_a_file_with_many_unused_slots_is_written_anew(loose):
    with Catalogue.reading(loose.catalogue) as reader:
        rows = reader.rows([id_ for id_, in loose.rows("id")])
        mapped = reader.vectors.mapped()
        before = {row.path: mapped[row.slot].copy() for row in rows.values()}
        loose.change("UPDATE photos SET crc = NULL WHERE slot > 25")
        assert loose.index() == (7, 0, 18)
        assert sorted(path.name for path in loose.catalogue.glob("*.f16")) == ["embeddings-1.f16"]
        # who reads meanwhile goes on with what there was
        again = reader.rows(list(rows))
        assert again == rows
        for row in again.values():
            assert np.array_equal(reader.embeddings([row.slot])[0], before[row.path])
    assert verify(loose.catalogue).checked == 25
    assert sorted(slot for slot, in loose.rows("slot")) == list(range(25))
    with Catalogue.reading(loose.catalogue) as reader:
        assert (reader.generation, reader.slots) == (1, 25)
        for slot, row in reader.at(range(25)).items():
            assert np.array_equal(reader.embeddings([slot])[0], before[row.path])
    assert loose.index() == (0, 0, 25)


@pytest.mark.parametrize("moment", ["write", "sync", "renumber", "in the end"])
def test_a_kill_while_it_is_written_anew_leaves_it_readable(loose, monkeypatch, moment):
    class Killed(BaseException):
        pass

    def kill(*_arguments, **_named):
        raise Killed

    loose.change("UPDATE photos SET crc = NULL WHERE slot > 25")
    with Catalogue.reading(loose.catalogue) as catalogue:
        identity = catalogue.identity
    with ExitStack() as stack, monkeypatch.context() as patch:
        catalogue = Catalogue._opened(stack, loose.catalogue, identity)
        patch.setattr(compaction.parts, "remove", lambda paths: None)  # nothing is tidied up
        if moment != "in the end":
            patch.setattr(Catalogue if moment == "renumber" else compaction.Vectors, moment, kill)
            with pytest.raises(Killed):
                compaction.compact(catalogue)
        else:
            compaction.compact(catalogue)
    assert len(list(loose.catalogue.glob("*.f16"))) == 2
    assert verify(loose.catalogue).ok
    assert loose.index() == (7, 0, 18)
    assert verify(loose.catalogue).checked == 25
    assert len(list(loose.catalogue.glob("*.f16"))) == 1


def test_a_copy_is_as_good(indexed, tmp_path):
    shutil.copytree(indexed.catalogue, tmp_path / "copy")
    shutil.rmtree(indexed.catalogue)
    assert indexed.index(catalogue=tmp_path / "copy") == (0, 0, 25)
    assert not places.every()
