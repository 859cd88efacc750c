"""Files below an address: on this machine, and in S3, as moto's server on loopback plays it."""

import errno
import os
import pickle
import socket
import threading
import time
from contextlib import closing

import pytest

from zsl_cli.errors import RequestError
from zsl_cli.photos.cluster import object_store
from zsl_cli.photos.cluster.local_store import LocalStore
from zsl_cli.photos.cluster.stores import StoreError, store_at

MINUTE = 60


@pytest.fixture(params=["local", "s3"])
def store(request, tmp_path):
    """An empty store of either kind."""
    if request.param == "local":
        return store_at(tmp_path / "out")
    request.getfixturevalue("s3")
    return store_at("s3://bucket/some/out")


def names(store, below=""):
    return [one.name for one in store.files(below)]


def kind_of(call):
    """The kind of the StoreError that a call raises, and its message, in a minute at most."""
    started = time.monotonic()
    with pytest.raises(StoreError) as raised:
        call()
    assert time.monotonic() - started < MINUTE
    return raised.value.kind, str(raised.value)


def test_what_is_written_is_found_and_read(store):
    store.check()
    assert names(store) == []
    store.write("a/b/one.bin", b"12345")
    store.write("a b ü.bin", b"")
    store.write("a/b/one.bin", b"123")
    store.write("aa.bin", b"1")
    assert names(store) == ["a b ü.bin", "a/b/one.bin", "aa.bin"]
    assert names(store, "a") == ["a/b/one.bin"]
    assert names(store, "nothing") == []
    found = store.look("a/b/one.bin")
    assert (found.name, found.size) == ("a/b/one.bin", 3)
    assert abs(found.mtime / 1e9 - time.time()) < 3600
    assert store.look("a") is None
    assert store.look("a/c") is None
    assert store.read("a/b/one.bin", most=3) == b"123"
    with store.open("a/b/one.bin") as file:
        file.seek(1)
        assert file.read(1) == b"2"
    store.delete("aa.bin")
    store.delete("aa.bin")
    assert names(store) == ["a b ü.bin", "a/b/one.bin"]


def test_files_come_sorted_as_a_store_has_them(store):
    for name in ("b/1", "b-1", "b.1", "a", "b/0/1"):
        store.write(name, b"")
    assert names(store) == sorted(names(store)) == ["a", "b-1", "b.1", "b/0/1", "b/1"]


def test_an_address_may_be_a_single_file(store):
    store.write("one.bin", b"123")
    alone = store_at(store.full("one.bin"))
    assert [(one.name, one.size) for one in alone.files()] == [("", 3)]
    assert alone.read(most=3) == b"123"
    assert alone.full("") == alone.address == store.full("one.bin")


def test_a_file_with_too_many_bytes_is_not_read(store):
    store.write("one.bin", b"123")
    kind, message = kind_of(lambda: store.read("one.bin", most=2))
    assert kind == "limit"
    assert "one.bin has 3 bytes, more than 2" in message


def test_a_file_that_is_not_there_is_missing(store):
    assert kind_of(lambda: store.read("none", most=2))[0] == "missing"
    with pytest.raises(StoreError) as raised, store.open("none"):
        pass
    assert raised.value.kind == "missing"


def test_a_store_goes_to_another_process(store):
    store.write("one.bin", b"123")
    assert pickle.loads(pickle.dumps(store)).read("one.bin", most=3) == b"123"
    error = pickle.loads(pickle.dumps(StoreError("it is full", "full")))
    assert (str(error), error.kind) == ("it is full", "full")


def test_a_failure_in_a_block_that_reads_is_not_taken_for_the_stores(store):
    store.write("one.bin", b"123")
    with pytest.raises(ZeroDivisionError), store.open("one.bin"):
        raise ZeroDivisionError


@pytest.mark.parametrize(("address", "said"), [
    ("ftp://host/x", "no object store is known under ftp://"),
    ("s3://", "can't be the name of a bucket"),
    ("s3://key:secret@bucket/x", "an address has no credentials"),
    ("s3://bucket/a//b", "no empty folder"),
    ("s3://bucket/../b", "no empty folder, . or .."),
    ("file://host/x", "write three slashes"),
])
def test_an_address_that_makes_no_sense_is_refused(address, said):
    pytest.importorskip("pyarrow")
    with pytest.raises(RequestError, match=said) as raised:
        store_at(address)
    assert "secret" not in str(raised.value)


def test_a_file_address_is_a_path(tmp_path):
    (tmp_path / "a b").mkdir()
    assert store_at((tmp_path / "a b").as_uri()) == LocalStore(str(tmp_path / "a b"))


# On this machine

def test_what_is_half_written_is_neither_seen_nor_left(tmp_path, monkeypatch):
    store = store_at(tmp_path / "out")
    store.write("part", b"before")

    def fails(descriptor):
        assert names(store) == ["part"]
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fails)
    kind, message = kind_of(lambda: store.write("part", b"behind"))
    assert kind == "full"
    assert "make space and run again: what is done is kept" in message
    assert os.listdir(tmp_path / "out") == ["part"]
    assert store.read("part", most=99) == b"before"


def test_a_folder_that_may_not_be_written_to_is_told(tmp_path, unprivileged):
    (tmp_path / "out").mkdir(mode=0o500)
    kind, message = kind_of(lambda: store_at(tmp_path / "out").write("part", b""))
    assert kind == "permission"
    assert f"cannot write {tmp_path / 'out' / 'part'}: Permission denied" in message


def test_a_folder_that_may_not_be_looked_into_is_told(tmp_path, unprivileged):
    (tmp_path / "out").mkdir(mode=0o000)
    assert kind_of(store_at(tmp_path / "out").check)[0] == "permission"


def test_a_pipe_and_a_link_to_a_folder_are_no_files(tmp_path, posix):
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "one").write_bytes(b"1")
    (tmp_path / "link").symlink_to("inner")
    os.mkfifo(tmp_path / "pipe")
    store = store_at(tmp_path)
    assert names(store) == ["inner/one"]
    assert kind_of(lambda: store.read("pipe", most=1))[0] == "file"


# In S3

@pytest.mark.parametrize("what", ["check", "files", "write", "begin"])
def test_a_bucket_that_does_not_exist_is_told(s3, what):
    from zsl_cli.photos.cluster import runs

    store = store_at("s3://no-such-bucket/out")
    kind, message = kind_of({
        "check": store.check, "files": lambda: list(store.files()),
        "write": lambda: store.write("x", b""), "begin": lambda: runs.read_run(store) or
        list(store.files())}[what])
    assert kind == "missing"
    assert f"there is no bucket no-such-bucket at {s3.endpoint}" in message


def test_wrong_credentials_are_told(s3, monkeypatch):
    s3.put("out/x", b"")
    s3.lock()
    store = store_at("s3://bucket/out")
    for call in (store.check, lambda: list(store.files()), lambda: store.write("x", b""),
                 lambda: store.read("x", most=9), lambda: store.look("x")):
        kind, message = kind_of(call)
        assert kind == "permission"
        assert "AWS_ACCESS_KEY_ID" in message
        assert "test-secret" not in message


def test_a_store_that_may_be_read_alone_cannot_be_written_to(s3, monkeypatch):
    s3.put("out/x", b"1")
    for name, value in s3.user("s3:GetObject", "s3:ListBucket").items():
        monkeypatch.setenv(name, value)
    s3.lock()
    object_store.connected.cache_clear()
    store = store_at("s3://bucket/out")
    assert store.read("x", most=1) == b"1"
    kind, message = kind_of(lambda: store.write("y", b""))
    assert kind == "permission"
    assert "cannot write s3://bucket/out/y: no permission" in message


@pytest.mark.parametrize("what", ["refused", "unknown", "silent"])
def test_a_service_that_cannot_be_reached_is_told_within_a_minute(s3, monkeypatch, what):
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        if what == "silent":  # takes requests and never answers
            listening.listen(50)
            monkeypatch.setattr(object_store, "SILENT", 1)
        host = "no-such-host.invalid" if what == "unknown" else "127.0.0.1"
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        store = store_at("s3://bucket/out")
        calls = [store.check, lambda: store.write("x", b"")]
        for call in calls[:1] if what == "silent" else calls:
            kind, message = kind_of(call)
            assert kind == "unreachable"
            assert f"http://{host}:{port} cannot be reached" in message
            assert "AWS_ENDPOINT_URL" in message


def test_an_endpoint_that_is_none_is_refused(s3, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://")
    with pytest.raises(RequestError, match="AWS_ENDPOINT_URL: http:// is no address"):
        store_at("s3://bucket/out").check()


def test_the_endpoint_of_s3_goes_before_that_of_all_services(s3, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.endpoint)
    store_at("s3://bucket/out").check()


def test_a_large_object_is_written_whole_or_not_at_all(s3):
    data = os.urandom(21 << 20)  # in several pieces
    store = store_at("s3://bucket/out")
    writer = threading.Thread(target=store.write, args=("large", data))
    writer.start()
    while writer.is_alive():
        assert s3.names("out/large") in ([], ["out/large"])
        if s3.names("out/large"):
            assert store.look("large").size == len(data)
    writer.join()
    assert store.read("large", most=len(data)) == data


def test_arrow_is_asked_for_by_name_where_it_is_missing(monkeypatch):
    import sys

    from zsl_cli.errors import MissingExtraError

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match="an object store needs pyarrow: pip install"):
        store_at("s3://bucket/out")
