"""Runs whose photos and parts lie in an object store."""

import io
import json
import tarfile
import time

import inline_cluster
import pyarrow
import pyarrow.dataset
import pytest
from pyarrow import parquet

from zsl_cli.errors import ZslError
from zsl_cli.photos.cluster import object_store, stored_photo
from zsl_cli.photos.cluster.object_store import ObjectStore
from zsl_cli.photos.cluster.store import StoreError


@pytest.fixture
def uploaded(s3, photos):
    """``photos``, and one that is none, in the bucket."""
    (photos / "bad.png").write_bytes(b"no photo")
    for path in photos.rglob("*.png"):
        s3.put(f"photos/{path.relative_to(photos)}", path.read_bytes())
    s3.put("photos/.thumbs/a.png", b"")
    s3.put("photos/read.me", b"")
    return s3


def rows(s3, prefix="out/"):
    """The records of all parts in the bucket, sorted by path."""
    tables = [parquet.read_table(io.BytesIO(s3.client.get_object(Bucket="bucket", Key=key)[
        "Body"].read())) for key in s3.names(prefix) if key.endswith(".parquet")]
    return pyarrow.concat_tables(tables).sort_by("path").to_pylist()


def test_from_a_store_into_a_store_records_are_those_of_files(run, here, uploaded):
    result = run("s3://bucket/photos", output="s3://bucket/out")
    assert (result.read, result.failed) == (9, 1)
    found = rows(uploaded)
    assert found[0]["path"] == "s3://bucket/photos/bad.png"
    assert all(row["mtime"] is not None for row in found)
    assert inline_cluster.without_path(found) == inline_cluster.without_path(here())
    again = run("s3://bucket/photos", output="s3://bucket/out")
    assert (again.read, again.kept, again.failed_before) == (0, 10, 1)


def test_an_object_that_changed_is_read_again(run, uploaded, photos):
    run("s3://bucket/photos", output="s3://bucket/out")
    uploaded.put("photos/bad.png", (photos / "c3" / "0.png").read_bytes())
    result = run("s3://bucket/photos", output="s3://bucket/out")
    assert (result.read, result.failed_before) == (4, 0)
    assert [row["error"] for row in rows(uploaded)] == [None] * 10


@pytest.mark.parametrize(("source", "number"), [
    ("s3://bucket/photos/c3/*.png", 2), ("s3://bucket/photos/*/0.png", 3),
    ("s3://bucket/photos/**/0.png", 3), ("s3://bucket/photos/c3/0.png", 1)])
def test_an_address_may_be_a_pattern_or_a_file(run, uploaded, source, number):
    assert run(source).read == number


def test_a_manifest_in_a_store_names_files_beside_it_and_anywhere(run, uploaded, photos):
    lines = ["c3/0.png", "s3://bucket/photos/c3/1.png", str(photos / "scarlet" / "0.png"),
             "s3://bucket/photos/none.png", "../a.png", "ftp://elsewhere/a.png"]
    uploaded.put("photos/m.jsonl", "\n".join(json.dumps({"path": one}) for one in lines).encode())
    result = run("s3://bucket/photos/m.jsonl")
    assert (result.read, result.failed) == (3, 3)
    by_path = {row["path"]: row["error"] and row["error"]["kind"]
               for row in inline_cluster.rows("out")}
    assert by_path["s3://bucket/photos/c3/0.png"] is None
    assert by_path["s3://bucket/photos/none.png"] == "missing"


def test_an_archive_in_a_store_is_read_by_one_worker(run, here, uploaded, photos):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for path in sorted(photos.rglob("*.png")):
            tar.add(path, path.relative_to(photos))
    uploaded.put("shard.tar", file.getvalue())
    result = run("s3://bucket/shard.tar")
    assert (result.read, result.failed) == (9, 1)
    assert inline_cluster.without_path(
        inline_cluster.rows("out")) == inline_cluster.without_path(here())


def test_bytes_in_a_parquet_file_of_a_store_are_read_there(run, here, uploaded, photos):
    file = io.BytesIO()
    names = sorted(photos.rglob("*.png"))
    parquet.write_table(pyarrow.table({"bytes": [name.read_bytes() for name in names], "path": [
        str(name.relative_to(photos)) for name in names]}), file, row_group_size=3)
    uploaded.put("m.parquet", file.getvalue())
    result = run("s3://bucket/m.parquet", column="bytes")
    assert (result.read, result.failed) == (9, 1)
    assert inline_cluster.without_path(
        inline_cluster.rows("out")) == inline_cluster.without_path(here())


def test_of_an_object_that_is_too_large_to_fetch_only_the_start_is_read(run, uploaded, monkeypatch):
    monkeypatch.setattr(stored_photo, "WHOLE", 100)
    uploaded.put("photos/large.png", b"\x89PNG\r\n\x1a\n" + bytes(1 << 20))
    result = run("s3://bucket/photos")
    assert (result.read, result.failed) == (9, 2)


def test_of_a_bucket_that_is_not_there_nothing_is_written(run, s3, tmp_path):
    begun = time.monotonic()
    with pytest.raises(StoreError, match="there is no bucket nowhere"):
        run("s3://nowhere/photos")
    with pytest.raises(StoreError, match="there is no bucket nowhere"):
        run("photos", output="s3://nowhere/out")
    with pytest.raises(ZslError, match="no images below this address"):
        run("s3://bucket/nothing")
    assert not (tmp_path / "out").exists()
    assert time.monotonic() - begun < 60


def test_who_may_not_write_is_told_before_photos_are_read(run, uploaded, cluster, monkeypatch):
    for name, value in uploaded.user("s3:GetObject", "s3:ListBucket").items():
        monkeypatch.setenv(name, value)
    uploaded.lock()
    object_store.connected.cache_clear()
    with pytest.raises(StoreError, match=r"s3://bucket/out.*: no permission"):
        run("s3://bucket/photos", output="s3://bucket/out")
    assert not cluster.labelled


def test_a_store_that_fails_meanwhile_costs_the_part_and_no_photo(run, uploaded, monkeypatch):
    """Its photos are not to blame; the next run has them."""
    read = ObjectStore.read
    monkeypatch.setattr(ObjectStore, "read", lambda store, name="", *, most: (
        _fails(store.full(name)) if "scarlet/0" in name else read(store, name, most=most)))
    with pytest.raises(ZslError, match="1 part could not be made: cannot read"):
        run("s3://bucket/photos")
    monkeypatch.setattr(ObjectStore, "read", read)
    assert run("s3://bucket/photos").failed_before == 1
    assert sum(row["error"] is not None for row in inline_cluster.rows("out")) == 1


def _fails(name):
    raise StoreError(f"cannot read {name}: the service cannot be reached", "unreachable")


def test_the_same_run_is_the_same_wherever_it_is_started(run, uploaded, photos, tmp_path,
                                                         monkeypatch):
    for source in ("s3://bucket/photos", str(photos)):
        output = f"s3://bucket/{'out' if source.startswith('s3') else 'other'}"
        assert run(source, output=output).read == 9
        (tmp_path / "elsewhere").mkdir(exist_ok=True)
        with monkeypatch.context() as patch:
            patch.chdir(tmp_path / "elsewhere")
            again = run(source, output=output, model=tmp_path / "paint")
        assert (again.read, again.kept) == (0, 10)
