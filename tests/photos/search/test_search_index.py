"""The index over many embeddings: it finds what exact search finds, and is kept up to date."""

import os
import shutil

import numpy as np
import pytest

from zsl_cli.photos.search import index_folder, inverted
from zsl_cli.photos.search.exact import Exact
from zsl_cli.photos.search.index_folder import IndexFolder
from zsl_cli.photos.search.inverted import Approximate
from zsl_cli.photos.search.lists import Lists
from zsl_cli.photos.search.projection import Projection
from zsl_cli.photos.search.space import JointSpace

WIDTH = 32
SPACE = JointSpace(WIDTH)
NO_WORDS = np.empty((0, WIDTH), np.float32)


def rows_near(centres, each, spread, seed=0):
    """Unit vectors float32 ``[len(centres) * each, D]``, some around each centre."""
    generator = np.random.default_rng(seed)
    rows = np.repeat(centres, each, axis=0)
    rows = rows + spread * generator.standard_normal(rows.shape) / rows.shape[1] ** 0.5
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "zsl" / "search"


@pytest.fixture(scope="module")
def rows():
    """float16 ``[6000, 34]``; the last two dimensions do not count."""
    generator = np.random.default_rng(1)
    vectors = rows_near(generator.standard_normal((300, WIDTH)), 20, 0.6)
    return np.hstack([0.4 * vectors, np.full((6000, 2), 0.6)]).astype(np.float16)


def opened(rows, folder, **others):
    return IndexFolder(folder, "model", SPACE).open(rows, lambda: NO_WORDS, **others)


def test_exact_search_pages_through_all_rows_in_falling_order(rows):
    query = SPACE.unit(rows[7:8])
    pages = list(Exact(rows, SPACE).pages(query)[0])
    slots = np.concatenate([page for page, _ in pages])
    scores = np.concatenate([scores for _, scores in pages])
    assert slots[0] == 7
    assert scores[0] == pytest.approx(1, abs=1e-3)
    assert sorted(slots.tolist()) == list(range(6000))
    assert (np.diff(scores) <= 0).all()
    assert len(pages) > 2


def test_exact_search_among_some_slots_knows_no_others(rows):
    some = np.array([3, 70, 71, 5999])
    (slots, _), = Exact(rows, SPACE, some).pages(SPACE.unit(rows[70:71]))[0]
    assert slots[0] == 70
    assert sorted(slots.tolist()) == some.tolist()


def test_a_damaged_row_is_near_to_nothing(rows):
    damaged = rows.copy()
    damaged[5], damaged[6] = np.nan, 0
    scores = Exact(damaged, SPACE).scores(SPACE.unit(rows[5:6]))[0]
    assert scores[5] == scores[6] == -1
    assert np.isfinite(scores).all()


def test_the_index_finds_what_exact_search_finds(rows, cache, monkeypatch, tmp_path):
    monkeypatch.setattr(inverted, "SCANNED", 20)
    monkeypatch.setattr(inverted, "SCANNED_LEAST", 1000)
    monkeypatch.setattr(inverted, "COMPARED", 200)
    approximate = Approximate(opened(rows, tmp_path), rows, SPACE)
    queries = SPACE.unit(rows[::100])
    truth = np.argsort(-Exact(rows, SPACE).scores(queries), axis=1)[:, :10]
    recall = np.mean([np.isin(right, approximate.nearest(query, 10)[0]).mean()
                      for query, right in zip(queries, truth, strict=True)])
    assert recall > 0.97
    scores = approximate.nearest(queries[0], 10)[1]
    assert scores[0] == pytest.approx(1, abs=1e-3)
    pages = list(approximate.pages(queries[:1])[0])
    assert sorted(np.concatenate([slots for slots, _ in pages]).tolist()) == list(range(6000))


def test_what_is_added_is_found_without_building_anew(rows, cache, tmp_path):
    built = []
    opened(rows[:5000], tmp_path, building=lambda: built.append(1))
    index = opened(rows, tmp_path, building=lambda: built.append(2))
    assert built == [1]
    assert len(index) == len(rows)
    again = opened(rows, tmp_path, building=lambda: built.append(3))
    assert built == [1]
    assert len(again.tail) == 1000
    assert np.array_equal(again.tail.codes, index.tail.codes)
    slots, _ = Approximate(again, rows, SPACE).nearest(SPACE.unit(rows[5500:5501])[0], 5)
    assert slots[0] == 5500


def test_a_long_tail_has_the_index_built_again(rows, cache, tmp_path):
    built = []
    opened(rows[:3000], tmp_path, building=lambda: built.append(1))
    assert len(opened(rows, tmp_path, building=lambda: built.append(2)).tail) == 0
    assert built == [1, 2]
    assert len([path for path in cache.iterdir() if path.is_dir()]) == 1


def test_the_index_of_another_catalogue_at_the_same_place_is_not_used(rows, cache, tmp_path):
    opened(rows, tmp_path)
    built = []
    opened(rows[::-1].copy(), tmp_path, building=lambda: built.append(1))
    assert built == [1]


@pytest.mark.parametrize("name", ["codes.npy", "starts.npy", "index.json", "tail.lists"])
def test_a_damaged_index_is_built_again(rows, cache, tmp_path, name):
    opened(rows, tmp_path)
    folder, = (path for path in cache.iterdir() if path.is_dir())
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[:len(content) // 2] if content else b"\xff" * 8)
    if name == "tail.lists":
        (folder / "tail.codes").write_bytes(b"\0" * 32 * 2)
    built = []
    opened(rows, tmp_path, building=lambda: built.append(1))
    assert built == [1]


def test_an_index_that_others_may_have_written_is_not_believed(rows, cache, tmp_path, posix):
    opened(rows, tmp_path)
    folder, = (path for path in cache.iterdir() if path.is_dir())
    os.chmod(folder / "slots.npy", 0o666)
    built = []
    opened(rows, tmp_path, building=lambda: built.append(1))
    assert built == [1]


@pytest.mark.parametrize("mask", [0o002, 0o000])
def test_an_index_is_believed_whatever_the_umask(rows, cache, tmp_path, posix, mask):
    before = os.umask(mask)
    try:
        opened(rows[:5900], tmp_path)
        opened(rows, tmp_path)
    finally:
        os.umask(before)
    built = []
    assert len(opened(rows, tmp_path, building=lambda: built.append(1)).tail) == 100
    assert built == []


@pytest.mark.parametrize("name", ["codes.npy", "scale.npy", "index.json"])
def test_an_index_of_which_a_power_cut_left_an_empty_file_is_built_again(rows, cache, tmp_path,
                                                                         name):
    opened(rows, tmp_path)
    folder, = (path for path in cache.iterdir() if path.is_dir())
    (folder / name).write_bytes(b"")
    built = []
    opened(rows, tmp_path, building=lambda: built.append(1))
    assert built == [1]


@pytest.mark.parametrize("last", [6000, 5500])
def test_a_tail_of_other_photos_is_made_again(rows, cache, tmp_path, last):
    opened(rows[:5000], tmp_path)
    opened(rows, tmp_path)
    other = np.concatenate([rows[:5000], rows[5000:last][::-1]])  # in a file written anew
    built = []
    index = opened(other, tmp_path, building=lambda: built.append(1))
    assert built == []
    expected = index.projection.codes(index.projection.photos(SPACE.unit(other[5000:])))
    assert np.array_equal(index.tail.codes, expected)
    assert np.array_equal(opened(other, tmp_path).tail.codes, expected)


def test_a_reader_of_fewer_rows_uses_the_index_of_a_later_one(rows, cache, tmp_path):
    opened(rows[:5000], tmp_path)
    opened(rows, tmp_path)
    built = []
    assert len(opened(rows[:5500], tmp_path, building=lambda: built.append(1)).tail) == 1000
    assert built == []


def test_an_unfinished_tail_is_cut_off(rows, cache, tmp_path):
    opened(rows[:5900], tmp_path)
    folder, = (path for path in cache.iterdir() if path.is_dir())
    (folder / "tail.codes").write_bytes(b"\7" * 45)  # a row and a half, of which no list is told
    index = opened(rows, tmp_path)
    assert len(index) == len(rows)
    assert np.array_equal(opened(rows, tmp_path).tail.codes, index.tail.codes)


def test_where_nothing_can_be_kept_the_search_goes_on(rows, cache, tmp_path):
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_text("a file in the way")
    assert len(opened(rows, tmp_path)) == len(rows)
    shutil.rmtree(cache, ignore_errors=True)


def test_a_projection_keeps_the_products_of_words_too():
    generator = np.random.default_rng(2)
    photos = generator.standard_normal((2000, 20)) * np.repeat([1.2, 1], 10)
    words = generator.standard_normal((500, 20)) * np.repeat([0.1, 2], 10)
    photos, words = photos.astype(np.float32), words.astype(np.float32)
    exact = words @ (photos - photos.mean(0)).T

    def lost(projection):
        return np.square((words @ projection.query) @ projection.photos(photos).T - exact).mean()

    for_words = Projection.fit(photos, words, 10)
    for_photos = Projection.fit(photos, words[:0], 10)
    assert lost(for_words) < 0.2 * lost(for_photos)
    assert lost(Projection.fit(photos, words, 20)) < 1e-4
    assert for_words.codes(for_words.photos(photos)).dtype == np.int8


def test_each_row_is_in_the_list_with_the_nearest_centre():
    generator = np.random.default_rng(3)
    rows = generator.standard_normal((4000, 8)).astype(np.float32)
    lists = Lists.fit(rows, 64)
    assert 32 <= len(lists) <= 96
    nearest = ((rows[:, None] - lists.centres) ** 2).sum(2).argmin(1)
    assert (lists.assign(rows) == nearest).mean() > 0.95


def test_fewer_photos_than_lists_have_a_list_each():
    rows = np.eye(5, dtype=np.float32)
    lists = Lists.fit(rows, 30)
    assert sorted(lists.assign(rows).tolist()) == list(range(5))


def test_an_index_of_equal_photos_can_be_built(cache, tmp_path):
    rows = np.ones((300, WIDTH), np.float16)
    index = index_folder.build(rows, SPACE, NO_WORDS)
    assert len(Approximate(index, rows, SPACE).nearest(SPACE.unit(rows[:1])[0], 7)[0]) == 7
