"""Parts, and what a run notes of itself beside them."""

import io
import json
from dataclasses import replace

import numpy as np
import pytest

from zsl_cli.classifier.predictions import Keyword, ScoredLabel
from zsl_cli.errors import ImageError
from zsl_cli.photos import tables
from zsl_cli.photos.capture import Capture
from zsl_cli.photos.cluster import parts, runs
from zsl_cli.photos.cluster.runs import PartInfo, Run, RunError, RunManifest
from zsl_cli.photos.cluster.stores import store_at
from zsl_cli.photos.entry import Entry, Provenance
from zsl_cli.vocabulary.names.label import Label

arrow = pytest.importorskip("pyarrow")
dataset = pytest.importorskip("pyarrow.dataset")
parquet = pytest.importorskip("pyarrow.parquet")

RUN = Run(("photos",), "/home", "m", "e" * 64, 4, "v", "d" * 64, "1", {"top": 5, "labels": None},
          256, True)
PROVENANCE = Provenance("m", "v", "1")
CAT = Label("c1", "cat")
ENTRIES = [
    Entry("photos/a.jpg", (ScoredLabel(CAT, 0.5, confidence=0.9),), None, 7, 1719857002.123456,
          keywords=(Keyword(CAT, "cat", 0.9),)),
    Entry("photos/\udce9.jpg", (), ImageError("no image; raise `max_pixels`", "limit"), None, None)]
SEEN = [parts.Seen(np.array([0, 0.6, 0.8, 0], np.float16), 4_294_967_295,
                   Capture("2024-07-01T18:03:22", 48.1, -11.5)), None]


@pytest.fixture
def store(tmp_path):
    return store_at(tmp_path / "out")


def written(store, run=RUN, **options):
    return parts.write_part(store, parts.part_name("00ab"), ENTRIES, PROVENANCE, run, **options)


def test_a_part_has_the_rows_and_the_types_of_a_local_table(store):
    run = replace(RUN, embeddings=False)
    options = {"keywords": True, "path_of": lambda id_: ("animal", "cat")}
    info = written(store, run, **options)
    assert info == PartInfo("part-00ab.parquet", 2, 1, store.look(info.name).size)
    table = io.BytesIO()
    tables.write_parquet(table, ENTRIES, PROVENANCE, **options)
    ours, theirs = parts.read_part(store, info.name, run), parquet.read_table(table)
    assert ours.to_pylist() == theirs.to_pylist()
    assert ours.schema.equals(theirs.schema)


def test_with_embeddings_it_has_what_a_catalogue_needs(store):
    name = written(store, seen=SEEN, keywords=True).name
    first, second = parts.photos_of(store, name, RUN)
    assert (first.path, first.size, first.mtime) == ("photos/a.jpg", 7, 1719857002123456)
    assert np.array_equal(first.seen.embedding, SEEN[0].embedding)
    assert (first.seen.crc, first.seen.capture) == (SEEN[0].crc, SEEN[0].capture)
    assert (second.path, second.seen, second.error.kind) == ("photos/\\udce9.jpg", None, "limit")
    assert str(second.error) == "no image; raise max_pixels"


def test_the_same_photos_give_the_same_bytes():
    again = [parts.part_bytes(ENTRIES, PROVENANCE, RUN, seen=SEEN) for _ in range(2)]
    assert again[0] == again[1]


def test_a_part_without_photos_can_be_read(store):
    parts.write_part(store, "part-0.parquet", [], PROVENANCE, RUN, seen=[])
    assert list(parts.photos_of(store, "part-0.parquet", RUN)) == []


def test_a_folder_of_parts_is_one_table_for_others(store):
    """The run's own files are passed over, as Arrow, DuckDB and Spark do with such names."""
    runs.begin(store, RUN)
    for number in range(3):
        parts.write_part(store, parts.part_name(f"{number}"), ENTRIES, PROVENANCE, RUN, seen=SEEN)
    runs.write_manifest(store, RunManifest(RUN.digest, ()))
    table = dataset.dataset(store.address).to_table()
    assert table.num_rows == 6
    assert table.column("embedding")[0].as_py() == SEEN[0].embedding.tolist()


def test_in_s3_parts_are_one_table_too(s3):
    store = store_at("s3://bucket/out")
    runs.begin(store, RUN)
    written(store, seen=SEEN)
    assert dataset.dataset("bucket/out", filesystem=arrow.fs.S3FileSystem(
        endpoint_override=s3.endpoint.removeprefix("http://"), scheme="http")
    ).to_table().num_rows == 2


def test_what_is_there_are_whole_parts_and_nothing_else(store):
    name = written(store, seen=SEEN).name
    for other in ("part-1.parquet.tmp", "inner/part-1.parquet", "labels.parquet", "_run.json"):
        store.write(other, b"x")
    store.write("part-2.parquet", b"")
    assert list(parts.finished(store)) == [name]


@pytest.mark.parametrize("at", [5, 0.2, 0.5, 0.8, -5])
def test_a_byte_that_changed_is_noticed(store, at):
    name = written(store, seen=SEEN).name
    data = bytearray(store.read(name, most=1 << 20))
    place = int(at * len(data)) if 0 < at < 1 else at
    data[place] ^= 0x40
    store.write(name, bytes(data))
    with pytest.raises(RunError, match=r"part-00ab\.parquet is no part of this run"):
        list(parts.photos_of(store, name, RUN))


def test_a_part_of_another_run_or_of_other_columns_is_none(store):
    name = written(store, seen=SEEN).name
    other = replace(RUN, question={"top": 6})
    with pytest.raises(RunError, match="it was written by another run"):
        parts.read_part(store, name, other)
    plain = replace(RUN, embeddings=False)
    name = written(store, plain).name
    with pytest.raises(RunError, match="it has no column crc of type uint32"):
        list(parts.photos_of(store, name, plain))


def test_a_part_that_says_it_is_huge_is_not_read(store, monkeypatch):
    monkeypatch.setattr(parts, "_MOST_ROWS", 1)
    name = written(store, seen=SEEN).name
    with pytest.raises(RunError, match="2 rows"):
        parts.read_part(store, name, RUN)


# What is noted

def test_a_run_is_noted_once_and_found_again(store):
    assert runs.read_run(store) is None
    assert runs.begin(store, RUN)
    assert not runs.begin(store, RUN)
    assert runs.read_run(store) == RUN
    assert runs.read_run(store).digest == RUN.digest


def test_a_run_that_asks_for_something_else_is_refused_with_what_differs(store):
    runs.begin(store, RUN)
    other = replace(RUN, question={"top": 10, "labels": None}, encoder="f" * 64,
                    sources=("others",))
    with pytest.raises(RunError) as raised:
        runs.begin(store, other)
    said = str(raised.value)
    assert 'the source was ["photos"], is ["others"]' in said
    assert "the numbers of the model was" in said
    assert "top was 5, is 10" in said
    assert "labels" not in said
    assert "give another `output`, or remove what is there" in said
    assert runs.read_run(store) == RUN


def test_parts_that_nobody_knows_are_not_built_upon(store):
    written(store, seen=SEEN)
    with pytest.raises(RunError, match=r"part-00ab\.parquet is there, and no _run\.json"):
        runs.begin(store, RUN)


def test_names_that_are_no_text_come_back(store):
    run = replace(RUN, sources=("caf\udce9",), folder="/caf\udce9")
    runs.begin(store, run)
    assert runs.read_run(store) == run


def test_a_manifest_says_what_came_of_a_run(store):
    assert runs.read_manifest(store) is None
    infos = [PartInfo("part-1.parquet", 256, 2, 70_000), PartInfo("part-0.parquet", 100, 0, 9)]
    manifest = RunManifest(RUN.digest, runs.in_order(infos), {"no image": 2})
    runs.write_manifest(store, manifest)
    assert runs.read_manifest(store) == manifest
    assert (manifest.images, manifest.failed) == (356, 2)
    assert json.loads(store.read(runs.MANIFEST, most=1 << 20))["images"] == 356


@pytest.mark.parametrize("name", ["../part-1.parquet", "/part-1.parquet", "part-\0.parquet",
                                  "part-1.parquet/x", "labels.parquet"])
def test_a_manifest_that_names_what_is_no_part_is_damaged(store, name):
    runs.write_json(store, runs.MANIFEST, {"run": "x", "reasons": {}, "parts": [[name, 1, 0, 1]]})
    with pytest.raises(RunError, match="its parts are no rows of a name and three numbers"):
        runs.read_manifest(store)
