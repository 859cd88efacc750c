"""The cache of the index: processes at once, processes killed, damage, disks that are full."""

import os
import signal
import subprocess
import sys
import time
from importlib import metadata

import numpy as np
import pytest

from zsl_cli.support.folders import sha256
from zsl_cli.vocabulary.search import index_cache
from zsl_cli.vocabulary.search.index_cache import IndexCache
from zsl_cli.vocabulary.search.nearest import Hnsw, HnswParameters

PARAMETERS = HnswParameters(ef_construction=100)
KEY = "0" * 64

CHILD = f"""
import logging, sys, numpy as np
from zsl_cli.vocabulary.search import index_cache, nearest
logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
vectors = np.load(sys.argv[1])
parameters = nearest.HnswParameters(ef_construction={PARAMETERS.ef_construction})
BEFORE
index = index_cache.IndexCache("{KEY}", parameters).open(vectors, advance=ADVANCE)
print(index.search(vectors[:5].astype(np.float32), 1)[0][:, 0].tolist(), flush=True)
"""


@pytest.fixture(scope="module")
def vectors():
    """10,000 unit vectors in float16, as a vocabulary has them."""
    values = np.random.default_rng(0).normal(size=(10_000, 32))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float16)


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return IndexCache(KEY, PARAMETERS)


@pytest.fixture
def child(tmp_path, cache, vectors):
    """Starts a process that opens the index: what it logs and what it finds, a line each.

    advance: an expression, what is called while it builds; before: a statement.
    """
    np.save(tmp_path / "vectors.npy", vectors)
    started = []

    def start(advance="None", before=""):
        code = CHILD.replace("ADVANCE", advance).replace("BEFORE", before)
        started.append(subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "vectors.npy")], stdout=subprocess.PIPE,
            text=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def files(cache):
    """What is in the cache, the lock apart."""
    return sorted(path.name for path in cache.folder.iterdir() if path.suffix != ".lock")


def finds_all(index, vectors):
    return index.search(vectors[:5].astype(np.float32), 1)[0][:, 0].tolist() == [0, 1, 2, 3, 4]


def test_a_saved_index_answers_the_same_and_is_not_built_again(vectors, cache, monkeypatch):
    queries = vectors[:50].astype(np.float32)
    assert cache.path is None
    built = cache.open(vectors).search(queries, 10)[0]
    assert cache.path.stem == f"{cache.key}-{sha256(cache.path)}"
    monkeypatch.setattr("hnswlib.Index.add_items", lambda *_, **__: pytest.fail("built again"))
    assert (cache.open(vectors).search(queries, 10)[0] == built).all()


@pytest.mark.parametrize("damage", ["truncated", "changed", "empty", "other index"])
def test_a_damaged_index_is_built_again_and_taken_away(vectors, cache, damage):
    cache.open(vectors)
    path = cache.path
    data = path.read_bytes()
    if damage == "truncated":
        path.write_bytes(data[:len(data) // 2])
    elif damage == "changed":
        middle = len(data) // 2  # within a vector, so that hnswlib sees nothing odd
        path.write_bytes(data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1:])
    elif damage == "empty":
        path.write_bytes(b"")
    else:  # whole by its name, but of too few labels
        path.unlink()
        Hnsw(vectors[:100], PARAMETERS).save(path)
        path = path.rename(path.with_name(f"{cache.key}-{sha256(path)}.bin"))
    assert finds_all(cache.open(vectors), vectors)
    assert files(cache) == [cache.path.name]
    assert sha256(cache.path) == cache.path.stem.partition("-")[2]
    # Threads race for the levels of the graph, which makes a few bytes.
    assert cache.path.stat().st_size == pytest.approx(len(data), rel=0.01)


def plant(vectors, cache):
    """Puts an index over other vectors under a right name, as somebody would who wants a crash."""
    cache.folder.mkdir(parents=True, exist_ok=True)
    path = cache.folder / "planted"
    Hnsw(vectors[:, :8], PARAMETERS).save(path)
    return path.rename(cache.folder / f"{cache.key}-{sha256(path)}.bin")


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("kind", ["link", "writable", "group", "another user"])
def test_an_index_that_somebody_else_may_have_made_is_never_opened(vectors, cache, kind,
                                                                   monkeypatch):
    path = plant(vectors, cache)
    if kind == "link":
        path.symlink_to(path.rename(cache.folder / "elsewhere"))
    elif kind == "another user":
        plain = os.lstat

        def lstat(path, **options):
            status = plain(path, **options)
            mine = ".bin" not in os.fspath(path)
            return status if mine else os.stat_result((*status[:4], 12345, *status[5:]))

        monkeypatch.setattr(os, "lstat", lstat)
    else:
        path.chmod(0o666 if kind == "writable" else 0o660)
    monkeypatch.setattr("hnswlib.Index.load_index", lambda *_, **__: pytest.fail("opened"))
    assert cache.path is None
    assert finds_all(cache.open(vectors), vectors)
    assert not os.path.lexists(path)


@pytest.mark.usefixtures("posix")
def test_a_folder_that_others_may_write_to_is_not_used(vectors, cache, monkeypatch, caplog):
    planted = plant(vectors, cache)
    cache.folder.chmod(0o777)
    monkeypatch.setattr("hnswlib.Index.load_index", lambda *_, **__: pytest.fail("opened"))
    with caplog.at_level("INFO"):
        assert finds_all(cache.open(vectors), vectors)
    assert cache.path is None
    assert "others may write to" in caplog.text
    assert list(cache.folder.iterdir()) == [planted]
    assert cache.folder.stat().st_mode & 0o777 == 0o777


@pytest.mark.usefixtures("posix")
def test_a_saved_index_is_the_users_alone(vectors, cache):
    before = os.umask(0)
    try:
        cache.open(vectors[:100])
    finally:
        os.umask(before)
    assert cache.path.stat().st_mode & 0o777 == 0o600
    assert cache.folder.stat().st_mode & 0o777 == 0o700


def test_other_vectors_or_graphs_have_another_key_and_another_ef_has_not():
    keys = {IndexCache(digest * 64, HnswParameters(m, efc, ef)).key
            for digest in "01" for m in (8, 16) for efc in (100, 200) for ef in (10, 20)}
    assert len(keys) == 8


def test_another_hnswlib_has_another_key(monkeypatch):
    keys = set()
    for version in ("0.8.0", "0.9.0"):
        monkeypatch.setattr("importlib.metadata.version", {"hnswlib": version}.__getitem__)
        keys.add(IndexCache(KEY, PARAMETERS).key)

    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing)
    assert IndexCache(KEY, PARAMETERS).key not in keys
    assert len(keys) == 2


def test_processes_that_come_at_once_build_one_index(cache, child):
    children = [child() for _ in range(4)]
    output = [process.communicate(timeout=60)[0].splitlines() for process in children]
    assert [lines[-1] for lines in output] == ["[0, 1, 2, 3, 4]"] * 4
    built = [lines for lines in output if "building the index of 10,000 labels" in lines]
    assert len(built) == 1
    assert len(files(cache)) == 1


def test_who_comes_second_waits_and_says_so(cache, child):
    first = child("lambda n: __import__('time').sleep(1)")
    assert first.stdout.readline() == "building the index of 10,000 labels\n"
    second = child()
    assert second.stdout.readline() == "another process is building the index; waiting for it\n"
    assert first.communicate(timeout=30)[0] == "[0, 1, 2, 3, 4]\n"
    assert second.communicate(timeout=30)[0] == "[0, 1, 2, 3, 4]\n"
    assert len(files(cache)) == 1


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("moment", ["building", "saving"])
def test_a_process_killed_while_building_leaves_the_cache_usable(cache, child, vectors, moment):
    wait = "lambda *_: (print('here', flush=True), __import__('time').sleep(60))"
    victim = child(wait) if moment == "building" else child(
        before=f"save = nearest.Hnsw.save; "
               f"nearest.Hnsw.save = lambda *a: (save(*a), ({wait})())")
    assert victim.stdout.readline().startswith("building")
    assert victim.stdout.readline() == "here\n"
    waiting = child()
    assert waiting.stdout.readline().startswith("another process")
    assert cache.path is None
    assert len(files(cache)) == (moment == "saving")
    victim.send_signal(signal.SIGKILL)
    assert waiting.communicate(timeout=30)[0].splitlines()[-1] == "[0, 1, 2, 3, 4]"
    assert files(cache) == [cache.path.name]


def test_nobody_waits_for_ever(cache, child, vectors, monkeypatch):
    holder = child("lambda *_: __import__('time').sleep(60)")
    assert holder.stdout.readline().startswith("building")
    monkeypatch.setattr(index_cache, "WAIT", 0.3)
    started = time.monotonic()
    assert finds_all(cache.open(vectors), vectors)
    assert time.monotonic() - started < 20
    assert cache.path is not None


@pytest.mark.usefixtures("posix")
def test_a_full_disk_costs_nothing_but_time(cache, child):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    first, second = child(before=limit), child(before=limit)
    for process in (first, second):
        lines = process.communicate(timeout=60)[0].splitlines()
        assert lines[-1] == "[0, 1, 2, 3, 4]"
        assert any("the index cannot be kept in" in line for line in lines)
    assert files(cache) == []


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(vectors, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert finds_all(IndexCache(KEY, PARAMETERS).open(vectors), vectors)


def test_a_damaged_lock_costs_nothing_but_time(vectors, cache):
    cache.folder.mkdir(parents=True)
    (cache.folder / f"{cache.key}.lock").write_bytes(b"no database " * 100)
    assert finds_all(cache.open(vectors), vectors)
    assert cache.path is not None


@pytest.mark.usefixtures("unprivileged")
def test_a_cache_that_can_only_be_read_is_read(vectors, cache, monkeypatch):
    cache.open(vectors)
    cache.folder.chmod(0o500)
    try:
        other = IndexCache("1" * 64, PARAMETERS)
        assert finds_all(other.open(vectors), vectors)
        assert other.path is None
        monkeypatch.setattr("hnswlib.Index.add_items", lambda *_, **__: pytest.fail("built"))
        assert finds_all(cache.open(vectors), vectors)
    finally:
        cache.folder.chmod(0o700)


@pytest.mark.usefixtures("unprivileged")
def test_a_cache_that_cannot_be_looked_at_costs_nothing_but_time(vectors, cache):
    parent = cache.folder.parent
    parent.mkdir(parents=True)
    parent.chmod(0)
    try:
        assert finds_all(cache.open(vectors), vectors)
        assert cache.path is None
    finally:
        parent.chmod(0o700)


def test_an_index_unused_for_long_goes_when_another_is_saved(vectors, cache):
    other = IndexCache("1" * 64, PARAMETERS)
    used = IndexCache("2" * 64, PARAMETERS)
    for each in (other, used):
        each.open(vectors[:100])
        old = time.time() - index_cache.UNUSED - 60
        for path in each.folder.glob(f"{each.key}*"):
            os.utime(path, (old, old))
    stranger = cache.folder / "notes.txt"
    stranger.write_text("mine")
    os.utime(stranger, (old, old))
    used.open(vectors[:100])
    cache.open(vectors[:100])
    assert other.path is None
    assert not list(cache.folder.glob(f"{other.key}*"))
    assert used.path is not None
    assert cache.path is not None
    assert stranger.exists()
