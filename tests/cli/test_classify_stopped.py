"""``zsl classify`` that is stopped: by its reader, by its user, by the disk."""

import json
import signal
import subprocess
import sys
import time

from readers import until_the_reader_goes


def test_a_closed_pipe_ends_it_quietly(environment, cat_jpg):
    status, line, err = until_the_reader_goes(
        ["classify", *[str(cat_jpg)] * 60, "--jsonl"], environment)
    assert (status, err) == (0, b"")
    assert json.loads(line)


def test_ctrl_c_ends_it_quietly_with_130(environment, cat_jpg):
    process = subprocess.Popen(
        [sys.executable, "-m", "zsl_cli", "classify", *[str(cat_jpg)] * 5000, "--jsonl"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        bufsize=0)  # lest lines that were read ahead are missing below
    assert process.stdout.readline()
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert err == b""
    assert all(json.loads(line) for line in out.splitlines())


def test_a_full_disk_is_said_plainly(environment, cat_jpg, full_disk):
    for option in ("--jsonl", "--csv", "-q"):
        with full_disk.open("wb") as full:
            result = subprocess.run([sys.executable, "-m", "zsl_cli", "classify", str(cat_jpg),
                                     option], env=environment, stdout=full, check=False,
                                    stderr=subprocess.PIPE)
        assert result.returncode == 2
        assert result.stderr.strip() == b"zsl: cannot write the output: No space left on device"
