"""What ``zsl vocab build`` refuses or breaks off leaves nothing."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import word_vectors as files
from word_vectors import BINARY


def test_a_label_list_with_no_known_word(build):
    result, vocabulary = build(labels="unicorn\nbasilisk\n")
    assert result.returncode == 2
    assert (b"vectors.bin knows no word of the 2 labels of labels.txt: 'unicorn', 'basilisk'; are "
            b"list and vectors of one language?") in result.stderr
    assert vocabulary is None


def test_nothing_is_left_of_a_build_that_fails(build, tmp_path):
    result, _ = build(vectors=BINARY[:-30])
    assert result.returncode == 2
    assert b"truncated" in result.stderr
    assert sorted(os.listdir(tmp_path)) == ["vectors.bin"]


@pytest.mark.usefixtures("posix")
@pytest.mark.parametrize("number", [signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)])
def test_nothing_is_left_of_a_build_that_is_told_to_stop(environment, tmp_path, number):
    words = {f"w{row}": np.ones(4, np.float32) for row in range(100_000)}
    (tmp_path / "many.bin").write_bytes(files.binary(words))
    process = subprocess.Popen(
        [sys.executable, "-m", "zsl_cli", "vocab", "build", "many.bin", "-o", "out/words"],
        cwd=tmp_path, env=environment, stderr=subprocess.PIPE)
    while not list(tmp_path.glob("out/.words-*")):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.001)
    process.send_signal(number)
    assert process.communicate(timeout=60)[1] == b""
    assert process.returncode == 128 + number
    assert os.listdir(tmp_path) == ["many.bin"]


@pytest.mark.parametrize(("arguments", "message"), [
    (("--name", ""), "'--name': it is empty"), (("--space", " "), "'--space': it is empty"),
    (("--labels", ""), "'--labels': it is empty"), (("-o", ""), "'--output': it is empty"),
    (("--sources", "no.json"), "--sources no.json: No such file or directory"),
    (("--sources", "vectors.bin"), "--sources vectors.bin: not JSON ("),
    (("-o", "vectors.bin/new/x"), "vectors.bin is no folder, so that nothing can be written in")])
def test_arguments_that_make_no_sense(build, tmp_path, arguments, message):
    result, vocabulary = build(*arguments)
    assert result.returncode == 2
    assert message in result.stderr.decode()
    assert vocabulary is None
    assert os.listdir(tmp_path) == ["vectors.bin"]


@pytest.mark.usefixtures("procfs")
def test_a_place_where_no_folder_can_be_made(build):
    result, _ = build("-o", "/proc/x")
    assert result.returncode == 2
    assert b"/proc/x: no folder can be made there (" in result.stderr


def test_an_unknown_encoding(build):
    result, _ = build("--encoding", "klingon")
    assert result.returncode == 2
    assert b"--encoding klingon: no such encoding" in result.stderr
