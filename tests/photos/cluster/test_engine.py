"""Runs over chunks: their records are those of one machine, and a second run does what is
missing. What Ray does is left out here (see test_on_ray)."""

import base64
import io
import json
import os
import shutil
import tarfile

import inline_cluster
import pyarrow
import pytest
from photos.test_labelling import Listener
from pyarrow import parquet

from zsl_cli.errors import RequestError, ZslError
from zsl_cli.photos.catalogue.catalogue import Catalogue
from zsl_cli.photos.cluster import archives, engine, parts
from zsl_cli.photos.cluster.runs import RunError
from zsl_cli.photos.cluster.store import StoreError
from zsl_cli.photos.indexing import IndexRequest, index


def damage(photos):
    (photos / "bad.png").write_bytes(b"no photo")
    (photos / "c3" / "cut.png").write_bytes((photos / "c3" / "0.png").read_bytes()[:60])


@pytest.mark.parametrize("what", [
    {}, {"keywords": True, "confidence": 0.1}, {"paths": True, "top": 2},
    {"labels": ["navy", "lime"]}, {"under": ["colour"], "threshold": 0.2}],
    ids=["labels", "keywords", "paths", "of a list", "below a label"])
def test_records_are_those_of_one_machine(run, here, photos, what):
    damage(photos)
    result = run(**what)
    assert (result.read, result.failed, result.ok) == (9, 2, False)
    assert inline_cluster.rows("out") == here(**what)


def test_folders_patterns_and_photos_are_met_as_on_one_machine(run, here, photos):
    (photos / ".hidden.png").write_bytes((photos / "c3" / "0.png").read_bytes())
    sources = "photos/c3", "photos/*/1.png", "photos/c3/0.png", "nowhere.png"
    run(*sources, exclude=["c4*"])
    assert inline_cluster.rows("out") == here(*sources, exclude=["c4*"])
    assert len(inline_cluster.rows("out")) == 5


def test_a_list_of_paths_is_taken_as_on_one_machine(run, here, tmp_path):
    (tmp_path / "list.txt").write_text("photos/c3/0.png\nphotos/c3/0.png\nphotos/none.png\n")
    run("photos/c4_lime", files_from="list.txt")
    assert inline_cluster.rows("out") == here("photos/c4_lime", files_from="list.txt")


def test_names_that_are_not_text_come_through(any_file_name, run, here, photos):
    shutil.copy(photos / "c3" / "0.png", os.fsencode(photos) + b"/caf\xe9.png")
    assert run().not_text == 1
    assert inline_cluster.rows("out") == here()


def test_a_second_run_does_nothing(run, cluster):
    first = run()
    assert (first.read, first.kept) == (9, 0)
    done = list(cluster.labelled)
    again = run()
    assert (again.read, again.kept, again.ok) == (0, 9, True)
    assert cluster.labelled == done


def test_an_interrupted_run_goes_on_where_it_was(run, cluster, here):
    cluster.stops_after = 1
    listener = Listener()
    with pytest.raises(KeyboardInterrupt):
        run(listener=listener)
    assert listener.results[0].interrupted
    assert not os.path.exists("out/_manifest.json")
    cluster.stops_after = None
    assert run().kept == 4
    assert len(set(cluster.labelled)) == len(cluster.labelled)
    assert inline_cluster.rows("out") == here()


def test_while_there_is_work_no_manifest_says_that_there_is_none(run, cluster, photos, tmp_path):
    run()
    written = tmp_path / "out" / "_manifest.json"
    assert written.exists()
    (photos / "z.png").write_bytes((photos / "c3" / "0.png").read_bytes())
    cluster.stops_after = len(cluster.labelled)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert not written.exists()
    cluster.stops_after = None
    run()
    assert json.loads(written.read_bytes())["images"] == 10


def test_of_a_part_that_was_written_and_not_told_of_nothing_is_lost(run, tmp_path):
    """As after a worker that was killed just behind it."""
    run()
    written = tmp_path / "out" / "_manifest.json"
    manifest = written.read_bytes()
    written.unlink()
    again = run()
    assert (again.read, again.kept) == (0, 9)
    assert written.read_bytes() == manifest


def test_photos_that_came_went_and_changed_are_in_one_part_each(run, here, cluster, photos):
    run()
    (photos / "a.png").write_bytes((photos / "c3" / "0.png").read_bytes())  # in front of all
    (photos / "scarlet" / "4.png").unlink()
    (photos / "scarlet" / "0.png").write_bytes((photos / "c3" / "0.png").read_bytes())
    before = len(cluster.labelled)
    result = run()
    assert inline_cluster.rows("out") == here()
    assert 0 < result.kept < 9
    assert len(cluster.labelled) > before
    assert (run().kept, run().read) == (9, 0)


def test_photos_that_are_gone_are_left_out(run, here, photos, cluster):
    run()
    shutil.rmtree(photos / "scarlet")  # a part, and a part of one
    run()
    assert inline_cluster.rows("out") == here()
    (photos / "c4_lime" / "0.png").unlink()
    (photos / "c4_lime" / "1.png").unlink()
    run()
    assert inline_cluster.rows("out") == here()


def test_what_lies_below_a_folder_that_cannot_be_read_stays(unprivileged, run, photos):
    run()
    before = inline_cluster.rows("out")
    (photos / "c3").chmod(0)
    try:
        result = run()
    finally:
        (photos / "c3").chmod(0o700)
    assert (result.failed, result.read) == (1, 0)
    rows = inline_cluster.rows("out")
    assert [row for row in rows if row["path"] != "photos/c3"] == before


def test_a_photo_in_front_costs_one_part(run, here, cluster, photos):
    run()
    (photos / "a.png").write_bytes((photos / "c3" / "0.png").read_bytes())
    result = run()
    assert (result.read, result.kept) == (1, 9)
    assert inline_cluster.rows("out") == here()


def test_what_failed_is_tried_again_when_that_is_asked(run, photos, here):
    good = (photos / "c3" / "0.png").read_bytes()
    bad = photos / "bad.png"
    bad.write_bytes(b"x" * len(good))
    stamp = bad.stat()
    assert run().failed == 1
    bad.write_bytes(good)
    os.utime(bad, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert run().failed_before == 1
    assert run(retry_failed=True).ok
    assert os.path.exists("out/_manifest.json")
    assert inline_cluster.rows("out") == here()


def test_a_run_that_was_stopped_before_anybody_told_of_a_part_goes_on(run, cluster, here):
    """A worker may have written it all the same."""
    cluster.stops_after, cluster.tells = 1, False
    with pytest.raises(KeyboardInterrupt):
        run()
    cluster.stops_after = None
    assert run().kept == 4
    assert inline_cluster.rows("out") == here()


def test_what_fails_again_is_noted_again(run, photos, tmp_path):
    (photos / "bad.png").write_bytes(b"no photo")
    run()
    written = tmp_path / "out" / "_manifest.json"
    before = written.read_bytes()
    assert run(retry_failed=True).failed == 1
    assert written.read_bytes() == before


def test_another_question_over_the_same_output_is_refused(run):
    run()
    with pytest.raises(RunError, match="top was 5, is 3"):
        run(top=3)
    with pytest.raises(RunError, match="keywords was no, is yes"):
        run(keywords=True)
    with pytest.raises(RunError, match="the source was"):
        run("photos/c3")


def test_where_there_is_nothing_nothing_is_written(run, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ZslError, match="nothing to read: empty: no images in this folder"):
        run("empty")
    assert not (tmp_path / "out").exists()


def archive(path, photos, mode="w", others=()):
    with tarfile.open(path, mode) as tar:
        for name in sorted(photos.rglob("*.png")):
            tar.add(name, name.relative_to(photos))
        for name, data in others:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))


@pytest.mark.parametrize("name", ["shard.tar", "shard.tar.gz"])
def test_photos_in_an_archive_have_the_records_of_files(run, here, photos, tmp_path, name):
    damage(photos)
    archive(tmp_path / name, photos, "w:gz" if name.endswith("gz") else "w",
            [("label.cls", b"3"), (".hidden/a.png", b""), ("__MACOSX/b.png", b"")])
    result = run(name)
    assert (result.read, result.failed) == (9, 2)
    rows = inline_cluster.rows("out")
    assert rows[0]["path"] == f"{name}/bad.png"
    assert inline_cluster.without_path(rows) == inline_cluster.without_path(here())
    assert run(name).kept == 11


def test_of_a_photo_of_two_gigabytes_only_the_start_is_read(run, here, photos):
    with open(photos / "huge.png", "wb") as file:
        file.write((photos / "c3" / "0.png").read_bytes()[:40])
        file.truncate(2 << 30)
    assert run().failed == 1
    assert inline_cluster.rows("out") == here()


def test_in_an_archive_what_is_too_large_is_passed_over(run, photos, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "WHOLE", 1000)
    archive(tmp_path / "shard.tar", photos, others=[("large.png", bytes(1001))])
    result = run("shard.tar")
    assert (result.read, result.failed) == (9, 1)
    assert [row["error"]["kind"] for row in inline_cluster.rows("out") if row["error"]] == [
        "limit"]


def test_an_archive_that_is_cut_off_gives_what_it_has(run, photos, tmp_path):
    archive(tmp_path / "shard.tar", photos)
    data = (tmp_path / "shard.tar").read_bytes()
    with tarfile.open(tmp_path / "shard.tar") as tar:
        end = tar.getmembers()[5].offset + 100
    (tmp_path / "shard.tar").write_bytes(data[:end])
    result = run("shard.tar")
    assert (result.read, result.failed) == (5, 1)
    assert "a damaged archive: behind 5 images" in json.dumps(inline_cluster.rows("out"),
                                                              default=str)


def test_archives_and_photos_of_a_pattern_go_together(run, photos, tmp_path):
    archive(tmp_path / "photos" / "one.tar", photos / "c3")
    archive(tmp_path / "photos" / "two.tar", photos / "c4_lime")
    assert run("photos/*.tar", "photos/scarlet").read == 9


@pytest.mark.parametrize("column", ["path", "where"])
def test_a_manifest_of_paths_is_taken_from_where_it_lies(run, here, photos, tmp_path, column):
    names = ["c3/0.png", str(photos / "c3" / "1.png"), "c3/0.png", "none.png"]
    lines = [json.dumps({column: name, "label": 3}) for name in names]
    (photos / "m.jsonl").write_text("\n".join([*lines, "{", "{}"]))
    parquet.write_table(pyarrow.table({column: [*names, None], "label": list(range(5))}),
                        photos / "m.parquet")
    given = {} if column == "path" else {"column": "where"}
    result = run("photos/m.jsonl", **given)
    assert (result.read, result.failed) == (2, 3)
    rows = inline_cluster.rows("out")
    expected = here("photos/c3/0.png", str(photos / "c3" / "1.png"), "photos/none.png")
    assert [row for row in rows if "m.jsonl" not in row["path"]] == expected
    assert [row["path"] for row in rows if row not in expected] == ["photos/m.jsonl#4",
                                                                   "photos/m.jsonl#5"]
    run("photos/m.parquet", output="other", **given)
    assert [row for row in inline_cluster.rows("other")
            if "m.parquet" not in row["path"]] == expected


def bytes_of(photos):
    names = sorted(photos.rglob("*.png"))
    return [str(name.relative_to(photos)) for name in names], [
        name.read_bytes() for name in names]


@pytest.mark.parametrize("kind", ["plain", "named", "of datasets", "jsonl"])
def test_a_manifest_of_bytes_has_the_records_of_files(run, here, photos, tmp_path, kind):
    damage(photos)
    names, data = bytes_of(photos)
    if kind == "jsonl":
        (tmp_path / "m.jsonl").write_text("\n".join(
            json.dumps({"bytes": base64.b64encode(one).decode(), "path": name})
            for name, one in zip(names, data, strict=True)))
    else:
        columns = {"plain": {"bytes": data}, "named": {"file_name": names, "jpg": data},
                   "of datasets": {"image": [{"bytes": one, "path": name} for name, one in zip(
                       names, data, strict=True)]}}[kind]
        parquet.write_table(pyarrow.table(columns), tmp_path / "m.parquet", row_group_size=7)
    source = "m.jsonl" if kind == "jsonl" else "m.parquet"
    given = {"column": "jpg"} if kind == "named" else {"column": "bytes"} if (
        kind == "jsonl") else {}
    result = run(source, **given)
    assert (result.read, result.failed) == (9, 2)
    rows = inline_cluster.rows("out")
    if kind == "plain":
        names = [f"m.parquet#{number}" for number in range(11)]
        assert {row["path"] for row in rows} == set(names)
        rows.sort(key=lambda row: int(row["path"].partition("#")[2]))
    else:
        assert [row["path"] for row in rows] == sorted(names)
    assert inline_cluster.without_path(rows) == inline_cluster.without_path(here())
    assert run(source, **given).kept == 11


@pytest.mark.parametrize(("name", "content", "message"), [
    ("m.jsonl", b"[1]\n", "its first line is no JSON object"),
    ("m.jsonl", b'{"a": "b"}\n', "none of its columns .* a$"),
    ("m.parquet", b"PAR1", "no Parquet file that can be read")])
def test_what_is_no_manifest_is_refused(run, tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(RequestError, match=message):
        run(name)


def test_a_column_that_is_not_there_is_named_with_those_that_are(run, tmp_path):
    parquet.write_table(pyarrow.table({"path": ["a"], "n": [1]}), tmp_path / "m.parquet")
    with pytest.raises(RequestError, match=r"m\.parquet has no column where; it has path, n"):
        run("m.parquet", column="where")
    with pytest.raises(RequestError, match="the column n has neither paths nor the bytes"):
        run("m.parquet", column="n")


def test_a_part_that_cannot_be_written_is_told_and_the_rest_is_done(run, cluster, monkeypatch):
    write, failed = parts.write_part, []

    def fails_once(store, name, *rest, **more):
        if not failed:
            failed.append(name)
            raise StoreError(f"cannot write {name}: no space is left", "full")
        return write(store, name, *rest, **more)

    monkeypatch.setattr(parts, "write_part", fails_once)
    with pytest.raises(ZslError, match=r"1 part could not be made: cannot write .* what is done"):
        run()
    assert not os.path.exists("out/_manifest.json")
    assert run().kept == 5
    assert len(inline_cluster.rows("out")) == 9


def test_embeddings_are_those_of_a_catalogue(run, asked, tmp_path):
    run(embeddings=True)
    rows = inline_cluster.rows("out")
    index(IndexRequest("photos", catalogue="catalogue", **asked))
    with Catalogue.reading(tmp_path / "catalogue") as catalogue:
        known = catalogue.rows(range(1, 10))
        by_path = {os.path.relpath(row.path): row for row in known.values()}
        for row in rows:
            expected = by_path[row["path"]]
            assert row["embedding"] == catalogue.embeddings([expected.slot])[0].tolist()


def test_what_every_node_has_to_have_is_asked_for(run, cluster, photos, tmp_path):
    run()
    assert str(photos / "c3" / "0.png") in cluster.needed
    assert str(tmp_path / "out" / "_run.json") in cluster.needed


@pytest.mark.parametrize(("batch_size", "size"), [
    (None, 256), (8, 256), (24, 288), (64, 256), (100, 300), (1000, 1000)])
def test_a_chunk_is_of_photos_that_go_through_the_model_together(batch_size, size):
    assert engine.chunk_size(batch_size) == size
