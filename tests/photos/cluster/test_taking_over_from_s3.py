"""Catalogues of photos in an object store, and of copies of these, filled from a run's parts."""

import os

import cluster_runs
import pytest
import text_model

from zsl_cli.errors import RequestError
from zsl_cli.photos.catalogue import finding, overview, places
from zsl_cli.photos.cluster import parts
from zsl_cli.photos.cluster.stores import StoreError
from zsl_cli.photos.cluster.taking_over import TakeOverRequest, take_over
from zsl_cli.photos.indexing import IndexRequest, index
from zsl_cli.photos.search.request import SearchRequest
from zsl_cli.photos.search.searching import search


@pytest.fixture
def in_s3(s3, model, photos):
    """A run over the pictures in S3, whose output is there, too."""
    for path in photos.rglob("*.png"):
        s3.put(f"photos/{path.relative_to(photos)}", path.read_bytes())
    return cluster_runs.label(model, "s3://bucket/photos", "s3://bucket/out")


def test_photos_in_an_object_store_are_searched(in_s3, model, s3, catalogues):
    request = TakeOverRequest((), from_run="s3://bucket/out", model=model, device="cpu")
    result = take_over(request)
    assert (result.filled.taken, result.scanned, result.ok) == (9, False, True)
    assert take_over(request).filled.known == 9
    [found] = search(SearchRequest("red", top=2, model=model, device="cpu"))
    assert all(hit.path.startswith("s3://bucket/photos/scarlet/") for hit in found.hits)
    [found] = search(SearchRequest("red", paths=["c3"], model=model, device="cpu"))
    assert sorted(hit.path for hit in found.hits) == ["s3://bucket/photos/c3/0.png",
                                                      "s3://bucket/photos/c3/1.png"]
    one = overview.overview(finding.find("s3://bucket/photos"))
    assert (one.state, one.library, one.photos) == (overview.OK, "s3://bucket/photos", 9)


def test_a_catalogue_of_an_object_store_is_no_moved_library(in_s3, model, photos, catalogues):
    take_over(TakeOverRequest((), from_run="s3://bucket/out", model=model, device="cpu"))
    result = index(IndexRequest(photos, model=model, device="cpu", jobs=1))
    assert result.read == 9
    assert sorted(identity.library for _, identity in places.known()) == sorted(
        [str(photos), "s3://bucket/photos"])


def test_a_photo_that_was_replaced_in_the_store_is_taken_over_anew(in_s3, s3, model, photos):
    request = TakeOverRequest((), from_run="s3://bucket/out", model=model, device="cpu")
    take_over(request)
    text_model.photo(photos / "x.png", (0, 255, 1))
    s3.put("photos/c3/0.png", (photos / "x.png").read_bytes() + b"\0")
    store, _ = in_s3
    for name in parts.finished(store):
        store.delete(name)
    cluster_runs.label(model, "s3://bucket/photos", "s3://bucket/out")
    filled = take_over(request).filled
    assert (filled.taken, filled.known) == (1, 8)


def test_a_folder_that_was_fetched_from_the_store_is_told_by_its_times(in_s3, s3, model, photos,
                                                                       tmp_path, opened):
    """As what fetches buckets sets them."""
    for path in photos.rglob("*.png"):
        key = f"photos/{path.relative_to(photos)}"
        seconds = s3.client.head_object(Bucket="bucket", Key=key)["LastModified"].timestamp()
        os.utime(path, (seconds, seconds))
    request = TakeOverRequest(photos, from_run="s3://bucket/out", model=model, device="cpu",
                              catalogue=tmp_path / "kept")
    result = take_over(request)
    assert (result.filled.taken, result.read, opened) == (9, 0, [])


def test_an_output_in_a_bucket_that_is_not_there_is_told(s3, model, photos):
    with pytest.raises(StoreError, match="there is no bucket gone"):
        take_over(TakeOverRequest(photos, from_run="s3://gone/out", model=model))


def test_an_object_store_is_not_looked_into_without_a_run(model):
    with pytest.raises(RequestError, match="s3://bucket/photos: what is in an object store is"):
        IndexRequest("s3://bucket/photos", model=model)
