"""A catalogue that is filled from the parts of a run: no photo is opened that is as it was."""

import os
import shutil
from dataclasses import replace

import cluster_runs
import numpy as np
import pytest
import text_model

from zsl_cli.errors import RequestError, ZslError
from zsl_cli.photos.catalogue.catalogue import Catalogue
from zsl_cli.photos.catalogue.verification import verify
from zsl_cli.photos.cluster import filling, parts, runs
from zsl_cli.photos.cluster.runs import RunError
from zsl_cli.photos.cluster.taking_over import TakeOverRequest, take_over
from zsl_cli.photos.indexing import IndexRequest, index
from zsl_cli.photos.labelling import label
from zsl_cli.photos.reporter import Reporter
from zsl_cli.photos.request import LabelRequest

pytest.importorskip("pyarrow")


@pytest.fixture
def output(tmp_path):
    return str(tmp_path / "out")


@pytest.fixture
def labelled(model, photos, output):
    """A run over nine painted pictures, in three parts: its store, and what it asked."""
    return cluster_runs.label(model, photos, output)


@pytest.fixture
def request_of(tmp_path, model, photos, output):
    """What is asked, with changes."""
    asked = TakeOverRequest(photos, from_run=output, catalogue=tmp_path / "kept", model=model,
                            device="cpu", jobs=1)
    return lambda **changes: replace(asked, **changes)


class Told(Reporter):
    """Keeps what is told."""

    def __init__(self):
        self.lines = []

    def warn(self, line):
        self.lines.append(line)


def embeddings(folder):
    with Catalogue.reading(folder) as catalogue:
        slots = [slot for slot, in catalogue.db.execute(
            "SELECT slot FROM photos WHERE slot IS NOT NULL AND NOT todo AND gone IS NULL")]
        rows = catalogue.at(slots)
        return {rows[slot].path: embedding
                for slot, embedding in zip(slots, catalogue.embeddings(slots), strict=True)}


def test_no_photo_is_opened_then_or_later(labelled, request_of, opened, tmp_path, model, photos):
    result = take_over(request_of())
    assert (result.filled.taken, result.read, result.kept, result.ok) == (9, 0, 9, True)
    assert opened == []
    asked = LabelRequest(photos, output=tmp_path / "labels.jsonl", catalogue=tmp_path / "kept",
                         model=model, device="cpu", jobs=1)
    assert (label(asked).todo, opened) == (0, [])
    again = index(IndexRequest(photos, catalogue=tmp_path / "kept", model=model, device="cpu"))
    assert (again.todo, again.kept, opened) == (0, 9, [])
    found = embeddings(tmp_path / "kept")
    assert sorted(found) == sorted(map(str, photos.rglob("*.png")))
    store, run = labelled
    for name in parts.finished(store):
        for photo in parts.photos_of(store, name, run):
            assert np.array_equal(found[photo.path], photo.seen.embedding)
    assert verify(tmp_path / "kept").ok


def test_the_catalogue_is_that_of_reading_the_photos(labelled, request_of, tmp_path, model,
                                                     photos):
    take_over(request_of())
    index(IndexRequest(photos, catalogue=tmp_path / "read", model=model, device="cpu", jobs=1))

    def rows(name):
        with Catalogue.reading(tmp_path / name) as catalogue:
            return sorted(catalogue.db.execute(
                "SELECT folders.path, name, size, mtime, ctime, crc, checksum, kind, todo, gone, "
                "taken, latitude, longitude FROM photos JOIN folders ON folders.id = folder"))

    assert rows("kept") == rows("read")


def test_what_has_changed_since_is_read(labelled, request_of, opened, photos):
    text_model.photo(photos / "c3" / "0.png", (1, 2, 3))
    text_model.photo(photos / "new.png", (3, 2, 1))
    (photos / "c3" / "1.png").unlink()
    result = take_over(request_of())
    filled = result.filled
    assert (filled.taken, filled.changed, filled.missing) == (7, 1, 1)
    assert (result.read, result.kept, sorted(opened)) == (2, 7, ["0.png", "new.png"])
    again = take_over(request_of())
    assert (again.filled.known, again.filled.changed, again.read) == (8, 0, 0)


def test_what_the_catalogue_knows_itself_stays(labelled, request_of, tmp_path, model, photos):
    index(IndexRequest(photos, catalogue=tmp_path / "kept", model=model, device="cpu", jobs=1))
    filled = take_over(request_of()).filled
    assert (filled.taken, filled.known) == (0, 9)


def test_a_photo_the_run_could_not_read_is_tried_here(model, photos, output, request_of):
    (photos / "bad.png").write_bytes(b"no photo")
    cluster_runs.label(model, photos, output)
    result = take_over(request_of())
    assert (result.filled.taken, result.filled.failed) == (9, 1)
    assert (result.read, result.failed, result.ok) == (0, 1, False)


def test_only_photos_below_the_folder_count(labelled, request_of, photos, tmp_path):
    result = take_over(request_of(sources=str(photos / "scarlet")))
    assert (result.filled.taken, result.filled.elsewhere, result.kept) == (5, 4, 5)


def test_photos_that_nobody_chose_are_left_out(labelled, request_of, tmp_path):
    filled = take_over(request_of(exclude="scarlet")).filled
    assert (filled.taken, filled.elsewhere) == (4, 5)
    assert len(embeddings(tmp_path / "kept")) == 4


def test_a_copy_is_known_by_its_times_or_by_its_content(labelled, request_of, photos, tmp_path,
                                                        opened):
    shutil.copytree(photos, tmp_path / "copy")
    filled = take_over(request_of(sources=str(tmp_path / "copy"))).filled
    assert (filled.taken, opened) == (9, [])
    shutil.copytree(photos, tmp_path / "other", copy_function=shutil.copyfile)
    for path in (tmp_path / "other").rglob("*.png"):
        os.utime(path, (1, 1))
    asked = request_of(sources=str(tmp_path / "other"), catalogue=tmp_path / "others")
    filled = take_over(replace(asked, check_content=True)).filled
    assert (filled.taken, filled.changed) == (9, 0)
    result = take_over(replace(asked, catalogue=tmp_path / "third"))
    assert (result.filled.changed, result.read) == (9, 9)


def test_the_folder_is_by_default_what_the_run_was_given(labelled, request_of, photos):
    assert take_over(request_of(sources=())).filled.taken == 9
    shutil.rmtree(photos)
    with pytest.raises(RequestError, match="which is not here; name the folder"):
        take_over(request_of(sources=()))


def test_a_relative_source_is_found_from_where_the_run_was_started(
        model, photos, output, request_of, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    cluster_runs.label(model, "photos", output)
    monkeypatch.chdir("/")
    assert take_over(request_of(sources=())).filled.taken == 9


def test_a_name_that_is_no_text_is_found(any_file_name, model, photos, output, request_of, opened):
    name = os.fsdecode(os.fsencode(photos) + b"/caf\xe9.png")
    os.rename(photos / "c3" / "0.png", name)
    cluster_runs.label(model, photos, output)
    del opened[:]
    assert take_over(request_of()).filled.taken == 9
    assert opened == []


def test_a_dry_run_writes_nothing(labelled, request_of, tmp_path):
    result = take_over(request_of(dry_run=True))
    assert (result.filled.taken, result.todo, result.kept) == (9, 0, 9)
    assert not (tmp_path / "kept").exists()


def test_a_run_that_has_not_ended_gives_what_it_has(model, photos, output, request_of):
    store, _ = cluster_runs.label(model, photos, output, ends=False)
    store.delete(min(parts.finished(store)))
    result = take_over(request_of())
    assert 0 < result.filled.taken < 9
    assert result.filled.taken + result.read == 9
    assert not result.filled.has_ended


def test_a_run_that_goes_on_over_new_photos_gives_what_it_has(labelled, request_of, model, photos,
                                                              output):
    store, _ = labelled
    manifest = store.read(runs.MANIFEST, most=1 << 20)
    text_model.photo(photos / "zzz.png", (7, 7, 7))
    cluster_runs.label(model, photos, output)
    store.write(runs.MANIFEST, manifest)  # as long as it goes on
    filled = take_over(request_of()).filled
    assert (filled.taken, filled.damaged, filled.has_ended) == (10, 0, False)


@pytest.mark.parametrize(("damage", "said"), [
    (lambda data: data[:len(data) // 2], "it is damaged"),
    (lambda data: b"no Parquet", "it is damaged"),
    (lambda data: b"", "it is damaged"),
    (None, "cannot read"),
])
def test_a_damaged_part_is_told_and_its_photos_are_read(labelled, request_of, damage, said):
    store, _ = labelled
    name = min(parts.finished(store))
    photos = len(list(parts.photos_of(*labelled[:1], name, labelled[1])))
    if damage is None:
        store.delete(name)
    else:
        store.write(name, damage(store.read(name, most=1 << 20)))
    told = Told()
    result = take_over(request_of(), told)
    assert (result.filled.taken, result.filled.damaged) == (9 - photos, 1)
    assert (result.read, result.kept) == (photos, 9 - photos)
    [line] = told.lines
    assert name in line
    assert said in line


def test_a_part_of_another_run_is_told_and_passed_over(labelled, request_of, model, photos,
                                                       tmp_path):
    store, _ = labelled
    other, _ = cluster_runs.label(model, photos, str(tmp_path / "other"), top=3)
    name = min(parts.finished(other))
    store.write(name, other.read(name, most=1 << 20))
    told = Told()
    assert take_over(request_of(), told).filled.damaged == 1
    assert "it was written by another run" in told.lines[0]


def test_an_embedding_that_can_be_none_is_not_taken_over(labelled, request_of, monkeypatch,
                                                         tmp_path):
    store, _ = labelled
    photos_of = parts.photos_of

    def spoilt(*arguments):
        for place, photo in enumerate(photos_of(*arguments)):
            embedding = photo.seen.embedding.copy()
            if place == 0:
                embedding[:] = [np.nan, 0, 0, 1]
            elif place == 1:
                embedding[:] = 0
            yield replace(photo, seen=replace(photo.seen, embedding=embedding))

    monkeypatch.setattr(parts, "photos_of", spoilt)
    result = take_over(request_of())
    number = len(parts.finished(store))
    assert result.filled.unsound == result.read
    assert number < result.filled.unsound <= 2 * number
    assert verify(tmp_path / "kept").ok


@pytest.mark.parametrize(("changes", "said"), [
    ({"embeddings": False}, "has labels and no embeddings; label the photos again with "
                            "`embeddings`"),
    ({"noted": {"encoder": "f" * 64}}, "was made by another version of model 'paint'"),
    ({"noted": {"encoder": "f" * 64, "model": "other"}}, "was made by model 'other', not 'paint'; "
                                                         "give that one as `model`"),
])
def test_a_run_that_cannot_be_taken_over_is_told(model, photos, output, request_of, tmp_path,
                                                 changes, said):
    cluster_runs.label(model, photos, output, **changes)
    with pytest.raises(RunError) as raised:
        take_over(request_of())
    assert said in str(raised.value)
    assert not (tmp_path / "kept").exists()


@pytest.mark.parametrize(("run", "said"), [
    (None, "no _run.json there"),
    (b"{", "is damaged, or not a run's of zsl: it is no JSON"),
    (b"[]", "it is no object with a format"),
    (b'{"format": 1}', "sources is missing"),
    (b'{"format": 99}', "was written by a later version of zsl"),
])
def test_what_is_no_output_of_a_run_is_told(output, request_of, run, said):
    os.makedirs(output)
    if run is not None:
        with open(os.path.join(output, runs.RUN), "wb") as file:
            file.write(run)
    with pytest.raises(RunError, match=said):
        take_over(request_of())


def test_a_run_without_parts_is_told(model, photos, output, request_of):
    cluster_runs.label(model, photos, output, ends=False)
    for name in os.listdir(output):
        if name.startswith("part-"):
            os.unlink(os.path.join(output, name))
    with pytest.raises(RunError, match="no part is there yet; wait until some are"):
        take_over(request_of())


def test_a_folder_without_any_photo_of_the_run_is_told(labelled, request_of, tmp_path, model):
    cluster_runs.label(model, [tmp_path / "photos" / "c3", tmp_path / "photos" / "scarlet"],
                       str(tmp_path / "two"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ZslError, match=r"none of the 7 photos in .* lies below .*/empty"):
        take_over(request_of(sources=str(tmp_path / "empty"), from_run=str(tmp_path / "two")))


@pytest.mark.parametrize(("changes", "said"), [
    ({"sources": "gone"}, "gone: there is no such folder"),
    ({"sources": ("s3://bucket/a", "/x")}, "s3://bucket/a is in an object store"),
    ({"files_from": ["a.png"]}, "`from_run` is for folders, and takes no `files_from`"),
    ({"from_run": ""}, "`from_run` is the output of a run"),
])
def test_requests_that_make_no_sense_are_refused(labelled, request_of, changes, said):
    with pytest.raises(RequestError) as raised:
        take_over(request_of(**changes))
    assert said in str(raised.value)


def test_a_photo_above_the_folder_is_none_of_its(labelled):
    store, run = labelled
    of = filling.Parts(store, replace(run, sources=("/run/photos",), folder="/"), (), True)
    root = [filling.Root(("/here",))]
    assert of.placed("/run/photos/a/b.jpg", root) == "/here/a/b.jpg"
    assert of.placed("run/photos/a.jpg", root) == "/here/a.jpg"
    assert of.placed("/here/b.jpg", root) == "/here/b.jpg"
    assert of.placed("/here/../etc/passwd", root) is None
    assert of.placed("/run/photos/../../etc/passwd", root) is None
    assert of.placed("/run/photos2/a.jpg", root) is None
    assert of.placed("/anywhere/a.jpg", []) == "/anywhere/a.jpg"
