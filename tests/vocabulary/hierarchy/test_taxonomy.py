"""The hierarchy as arrays, and their cache."""

import os
from dataclasses import fields, replace

import numpy as np
import pytest

from zsl_cli import Vocabulary
from zsl_cli.vocabulary import writing
from zsl_cli.vocabulary.hierarchy.taxonomy import Taxonomy
from zsl_cli.vocabulary.names.label import Label


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """A cache of its own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def make(folder, parents, plain=(), sensitive=()):
    """A vocabulary of a graph: the rows above each row."""
    folder.mkdir()
    labels = [Label(f"l{row}", f"label {row}", parents=tuple(f"l{one}" for one in above),
                    plain=("word",) * (row in plain), sensitive=row in sensitive)
              for row, above in enumerate(parents)]
    writing.write(folder, "v", "s", labels, np.eye(len(labels), dtype=np.float32))
    return Vocabulary.load(folder)


def random_parents(random, size):
    """A graph without cycles, in a shuffled order of its rows."""
    order = random.permutation(size)
    parents = [[] for _ in range(size)]
    for place in range(1, size):
        number = min(place, int(random.integers(0, 4)))
        parents[order[place]] = order[random.choice(place, number, replace=False)].tolist()
    return parents


def all_above(row, parents):
    return {row}.union(*(all_above(one, parents) for one in parents[row]))


def test_keywords_can_be_what_people_have_a_word_for_and_what_has_nothing_below(tmp_path):
    parents = [[], [0], [1], [0]]
    worded = Taxonomy.of(make(tmp_path / "v", parents, plain={1}))
    assert worded.telling.tolist() == [False, True, True, True]
    assert Taxonomy.of(make(tmp_path / "w", parents)).telling.all()


@pytest.mark.parametrize("seed", range(5))
def test_arrays_are_those_of_a_plain_computation(tmp_path, seed):
    random = np.random.default_rng(seed)
    parents = random_parents(random, size := 30)
    taxonomy = Taxonomy.of(make(tmp_path / "v", parents, plain={1, 5}, sensitive={5}))
    above = [all_above(row, parents) for row in range(size)]
    leaves = [row for row in range(size) if not any(row in one for one in parents)]
    for row in range(size):
        lineage = taxonomy.lineage(row).tolist()
        assert lineage[0] == row
        assert sorted(lineage) == sorted(above[row])
        path = [row]
        while parents[path[-1]]:
            path.append(parents[path[-1]][0])
        assert lineage[:len(path)] == path
        hurts = row == 5 or (row != 1 and 5 in above[row])
        assert taxonomy.sensitive[row] == hurts
        assert taxonomy.everyday(row) == [
            one for one in path[::-1] if one in (1, row) or (one == 5 and hurts)]
        below = sum(row in above[leaf] for leaf in leaves)
        assert taxonomy.information[row] == pytest.approx(
            1 - np.log(below) / np.log(len(leaves)), abs=1e-6)
    assert np.flatnonzero(taxonomy.leaf).tolist() == leaves
    assert np.flatnonzero(taxonomy.plain).tolist() == [1, 5]
    assert len(taxonomy) == size
    values = random.random(size).astype(np.float32)
    sums = values.copy()
    taxonomy.add_below(sums)
    np.testing.assert_allclose(sums, [
        sum(values[below] for below in range(size) if row in above[below])
        for row in range(size)], rtol=1e-6)


def test_the_ends_of_information(tmp_path):
    taxonomy = Taxonomy.of(make(tmp_path / "v", [[], [0], [0], [1], [1]]))
    assert taxonomy.information[0] == 0
    assert taxonomy.information[[2, 3, 4]].tolist() == [1, 1, 1]
    assert 0 < taxonomy.information[1] < 1
    assert Taxonomy.of(make(tmp_path / "one", [[]])).information.tolist() == [1]
    assert len(Taxonomy.of(Vocabulary.empty("s", 3))) == 0


@pytest.fixture
def kept(tmp_path, cache):
    """A vocabulary, its taxonomy, and the file in the cache, which has other arrays by now that
    tell whether it is read."""
    vocabulary = make(tmp_path / "v", [[], [0], [0]])
    made = Taxonomy.of(vocabulary)
    (path,) = cache.glob("zsl/taxonomy/*.npy")
    put(path, replace(made, plain=~made.plain))
    return vocabulary, made, path


def put(path, taxonomy, **others):
    with path.open("wb") as file:
        for field in fields(taxonomy):
            np.save(file, others.get(field.name, getattr(taxonomy, field.name)))


def is_read(vocabulary, made):
    return (Taxonomy.of(vocabulary).plain != made.plain).all()


def test_what_is_kept_is_read_and_is_of_these_labels_alone(kept, tmp_path):
    vocabulary, made, _ = kept
    assert is_read(vocabulary, made)
    other = Taxonomy.of(make(tmp_path / "other", [[], [0], [1]]))
    assert not other.plain.any()
    assert other.lineage(2).tolist() == [2, 1, 0]


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("place", ["file", "folder", "link"])
def test_what_others_could_have_written_is_not_read(kept, place, tmp_path):
    vocabulary, made, path = kept
    if place == "link":
        path.rename(tmp_path / "elsewhere.npz")
        path.symlink_to(tmp_path / "elsewhere.npz")
    else:
        (path if place == "file" else path.parent).chmod(0o777)
    assert not is_read(vocabulary, made)


@pytest.mark.usefixtures("posix")
def test_what_is_kept_is_read_whatever_the_umask(tmp_path, cache, monkeypatch):
    before = os.umask(0o002)
    try:
        vocabulary = make(tmp_path / "v", [[], [0]])
        Taxonomy.of(vocabulary)
    finally:
        os.umask(before)
    monkeypatch.setattr(Taxonomy, "_made", None)
    assert len(Taxonomy.of(vocabulary)) == 2


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive"])
def test_a_damaged_file_is_made_anew(kept, content):
    vocabulary, made, path = kept
    path.write_bytes(content)
    assert not is_read(vocabulary, made)
    with path.open("rb") as file:
        for field in fields(made):
            np.testing.assert_array_equal(np.load(file), getattr(made, field.name))


@pytest.mark.parametrize("change", [
    {"plain": np.ones(2, bool)}, {"leaf": np.ones(3)}, {"offsets": np.array([0, 1])},
    {"offsets": np.array([0, 0, 2])}, {"offsets": np.array([0, 2, 1])},
    {"offsets": np.array([0., 0, 1])}, {"above": np.array([3])}, {"above": np.array([-1])},
    {"above": np.array([0.])}, {"depth": np.array([0, 2])}, {"depth": np.array([0, -1])},
    {"depth": np.array([0])}, {"group": np.array([0, 1, 2])}, {"group": np.array([0, -1, 1])},
    {"information": np.ones(3, int)}, {"above": np.array([None])}],
    ids=lambda change: next(iter(change)))
def test_arrays_that_cannot_be_these_are_not_used(kept, change):
    vocabulary, made, path = kept
    put(path, replace(made, plain=~made.plain), **change)
    assert not is_read(vocabulary, made)


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    vocabulary = make(tmp_path / "v", [[], [0]])
    for _ in range(2):
        assert Taxonomy.of(vocabulary).lineage(1).tolist() == [1, 0]
    assert (tmp_path / "file").read_bytes() == b""
