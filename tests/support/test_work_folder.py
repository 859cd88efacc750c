"""A folder for work that may be interrupted: whose it is, what is kept, what goes."""

import subprocess
import sys

import pytest

from zsl_cli.errors import ZslError
from zsl_cli.support import files, work_folder


def left(folder):
    return sorted(path.name for path in folder.iterdir())


def test_nothing_is_left_of_work_that_is_done(tmp_path):
    with work_folder.opened(tmp_path / "a" / "b" / "work", "zsl knit"):
        assert left(tmp_path / "a" / "b" / "work") == ["lock"]
        (tmp_path / "a" / "b" / "work" / "half").mkdir()
        (tmp_path / "a" / "b" / "result").touch()
    assert left(tmp_path / "a" / "b") == ["result"]
    with work_folder.opened(tmp_path / "c" / "work", "zsl knit"):
        pass
    assert left(tmp_path) == ["a"]


def test_what_is_worth_keeping_stays_when_the_work_is_broken_off(tmp_path):
    work = tmp_path / "deep" / "work"
    for worth_keeping, kept in ((None, ["half", "lock"]), (lambda: False, None),
                                (lambda: True, ["half", "lock"])):
        with (pytest.raises(KeyboardInterrupt),
              work_folder.opened(work, "zsl knit", worth_keeping=worth_keeping)):
            (work / "half").touch()
            raise KeyboardInterrupt
        assert (left(work) if work.exists() else None) == kept
    with pytest.raises(KeyboardInterrupt), work_folder.opened(tmp_path / "new" / "work", "x"):
        raise KeyboardInterrupt
    assert left(tmp_path) == ["deep"]


def test_one_process_at_a_time_is_at_work(tmp_path):
    with work_folder.opened(tmp_path / "work", "zsl knit"):
        (tmp_path / "work" / "half").touch()
        with (pytest.raises(ZslError, match="another zsl knit is at work there"),
              work_folder.opened(tmp_path / "work", "zsl knit")):
            pass
        assert left(tmp_path / "work") == ["half", "lock"]


def test_a_killed_process_keeps_no_lock(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", "import sys, time\nfrom pathlib import Path\n"
         "from zsl_cli.support import work_folder\n"
         "with work_folder.opened(Path(sys.argv[1]), 'zsl knit'):\n"
         "    (Path(sys.argv[1]) / 'half').touch()\n"
         "    print('at work', flush=True)\n    time.sleep(60)\n", str(tmp_path / "work")],
        stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"at work\n"
    process.kill()
    process.communicate()
    with work_folder.opened(tmp_path / "work", "zsl knit"):
        assert left(tmp_path / "work") == ["half", "lock"]
    assert left(tmp_path) == []


def test_a_folder_that_must_not_be_used_stays_as_it_is(tmp_path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "dear").touch()
    (tmp_path / "link").symlink_to(tmp_path / "work")
    with (pytest.raises(ZslError, match="is a symbolic link"),
          work_folder.opened(tmp_path / "link", "zsl knit")):
        pass

    def refuse():
        raise ZslError("somebody else's")

    with (pytest.raises(ZslError, match="somebody else's"),
          work_folder.opened(tmp_path / "work", "zsl knit", check=refuse)):
        pass
    assert left(tmp_path / "work") == ["dear"]


def test_it_is_looked_at_again_while_it_is_held(tmp_path):
    looks = []

    def check():
        looks.append(left(tmp_path))
        if looks[-1]:
            with files.locked(tmp_path / "work" / "lock") as free:
                assert not free
            raise ZslError("another has just finished")

    with (pytest.raises(ZslError, match="another has just finished"),
          work_folder.opened(tmp_path / "work", "zsl knit", check=check)):
        pass
    assert looks == [[], ["work"]]
    assert left(tmp_path) == []


def test_the_lock_stays_where_the_rest_is_cleared(tmp_path):
    with work_folder.opened(tmp_path / "work", "zsl knit", lock="own"):
        (tmp_path / "work" / "half").touch()
        (tmp_path / "work" / "folder").mkdir()
        (tmp_path / "work" / "folder" / "file").touch()
        work_folder.clear(tmp_path / "work", lock="own")
        assert left(tmp_path / "work") == ["own"]
