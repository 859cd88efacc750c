"""A file appears whole or not at all."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from zsl_cli.errors import ZslError
from zsl_cli.support.files import check_new_file, locked, replacing


def write(path, data):
    with replacing(path) as file:
        file.write(data)


def test_a_new_file_and_a_replaced_one(tmp_path):
    path = tmp_path / "a"
    write(path, b"one")
    assert path.read_bytes() == b"one"
    path.chmod(0o640)
    write(path, b"two")
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == ["a"]


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path):
    path = tmp_path / "a"
    write(path, b"one")
    with pytest.raises(RuntimeError), replacing(path) as file:
        file.write(b"tw")
        raise RuntimeError
    assert path.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["a"]


def test_what_a_killed_process_left_is_taken_away_and_not_followed(tmp_path):
    (tmp_path / "precious").write_bytes(b"mine")
    with pytest.raises(RuntimeError), replacing(tmp_path / "a") as file:
        part = file.name
        raise RuntimeError
    os.symlink("precious", part)
    write(tmp_path / "a", b"one")
    assert (tmp_path / "precious").read_bytes() == b"mine"
    assert sorted(os.listdir(tmp_path)) == ["a", "precious"]


def test_two_that_write_at_once_each_put_a_whole_file_in_place(tmp_path):
    path = tmp_path / "a"
    with replacing(path) as first:
        first.write(b"on")
        with replacing(path) as second:
            second.write(b"two")
        assert path.read_bytes() == b"two"
        first.write(b"e")
    assert path.read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["a"]


def test_processes_that_write_one_file_never_fail_nor_show_half_of_it(tmp_path):
    path = tmp_path / "a"
    write(path, b"0" * 100_000)
    script = ("import sys\nfrom zsl_cli.support.files import replacing\n"
              "for _ in range(200):\n"
              "    with replacing(sys.argv[1], durable=False) as file:\n"
              "        for _ in range(100): file.write(sys.argv[2].encode() * 1000)\n")
    writers = [subprocess.Popen([sys.executable, "-c", script, str(path), digit])
               for digit in "1234"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        data = path.read_bytes()
        seen.add((len(data), len(set(data))))
    assert [writer.returncode for writer in writers] == [0] * 4
    assert seen == {(100_000, 1)}
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.usefixtures("posix")
def test_what_a_killed_process_left_goes_and_what_a_living_one_writes_stays(tmp_path):
    with replacing(tmp_path / "a") as file:
        first = file.name
        with replacing(tmp_path / "a") as other:
            second = other.name
    Path(first).write_bytes(b"left")
    Path(second).write_bytes(b"left")
    with replacing(tmp_path / "a") as file:
        assert file.name == first
        with replacing(tmp_path / "a") as other:
            other.write(b"two")
        assert os.path.exists(first)
        file.write(b"one")
    assert os.listdir(tmp_path) == ["a"]


def test_what_a_check_refuses_is_not_put_in_place(tmp_path):
    def refuse():
        raise RuntimeError

    write(tmp_path / "a", b"one")
    with pytest.raises(RuntimeError), replacing(tmp_path / "a", check=refuse) as file:
        file.write(b"two")
    assert (tmp_path / "a").read_bytes() == b"one"
    assert os.listdir(tmp_path) == ["a"]


@pytest.mark.usefixtures("posix")
def test_permissions_are_kept_from_the_first_byte_on_and_set_id_bits_are_not(tmp_path):
    (tmp_path / "a").touch()
    for mode in (0o4750, 0o2640, 0o600):
        (tmp_path / "a").chmod(mode)
        with replacing(tmp_path / "a") as file:
            assert stat.S_IMODE(os.stat(file.name).st_mode) == mode & 0o777
            file.write(oct(mode).encode())
        assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode & 0o777
    with replacing(tmp_path / "b", like=tmp_path / "a") as file:
        file.write(b"b")
    assert stat.S_IMODE((tmp_path / "b").stat().st_mode) == 0o600


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path):
    for name in ("x" * 255, "ü" * 127):
        write(tmp_path / name, b"one")
        assert (tmp_path / name).read_bytes() == b"one"


def test_the_target_of_a_link_is_replaced_and_the_link_stays(tmp_path):
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "real").write_bytes(b"one")
    os.symlink("below/real", tmp_path / "link")
    write(tmp_path / "link", b"two")
    assert os.path.islink(tmp_path / "link")
    assert (tmp_path / "below" / "real").read_bytes() == b"two"


def test_what_is_no_regular_file_is_written_to(tmp_path):
    write(os.devnull, b"nothing")
    assert not os.path.isfile(os.devnull)
    assert os.listdir(tmp_path) == []


def test_one_at_a_time_has_a_lock_and_the_next_may_wait_for_it(tmp_path):
    path = tmp_path / "lock"
    said = []
    with locked(path) as first:
        with locked(path, wait=0.2, waiting=lambda: said.append("waiting")) as second:
            assert (first, second, said) == (True, False, ["waiting"])
        with locked(path) as third:
            assert not third
    with locked(path) as fourth:
        assert fourth
    assert os.listdir(tmp_path) == ["lock"]


def test_a_lock_that_cannot_be_had_at_all_is_an_error_of_its_file(tmp_path):
    (tmp_path / "garbage").write_bytes(b"no database " * 100)
    for name, message in (("garbage", "not a database"), ("no/folder", "unable to open")):
        with pytest.raises(OSError, match=message) as caught, locked(tmp_path / name):
            pass
        assert caught.value.filename == str(tmp_path / name)


def test_a_file_that_would_be_lost_is_told_before_the_work(tmp_path):
    path = tmp_path / "a"
    check_new_file(path)
    path.touch()
    check_new_file(path)  # nothing in it
    check_new_file(os.devnull)
    path.write_bytes(b"mine")
    with pytest.raises(ZslError, match="a exists; give `force`"):
        check_new_file(path)
    check_new_file(path, force=True)


def test_a_file_that_cannot_be_written_is_told_before_the_work(tmp_path):
    with pytest.raises(ZslError, match="this is a folder"):
        check_new_file(tmp_path, force=True)
    with pytest.raises(ZslError, match=r"there is no folder .*new"):
        check_new_file(tmp_path / "new" / "a", force=True)
    with pytest.raises(ZslError, match=re.escape(f"no folder {Path.cwd() / 'no'}")):
        check_new_file("no/a")
    check_new_file(tmp_path / "new" / "a", makes_folders=True)
    (tmp_path / "b").write_bytes(b"mine")
    with pytest.raises(ZslError, match=r"there is no folder .*b"):
        check_new_file(tmp_path / "b" / "a", force=True)
