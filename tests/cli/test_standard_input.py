"""``zsl classify -``: an image on standard input that is too much, cannot be read, or closed."""

import io
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from zsl_cli.cli import classify


def test_what_is_read_has_a_limit(monkeypatch):
    monkeypatch.setattr(classify, "_MOST_PIPED", 10)
    for size, is_read in ((10, True), (11, False)):
        monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(bytes(size))))
        (_, source), = classify._read([("-", None)])
        assert (source == bytes(size)) is is_read


def test_what_cannot_be_read_is_an_error_of_that_image(monkeypatch):
    def read(_size):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=SimpleNamespace(read=read)))
    (_, error), (_, other) = classify._read([("-", None), ("a.jpg", None)])
    assert str(error) == "cannot read standard input: Input/output error"
    assert other == "a.jpg"


@pytest.mark.usefixtures("posix")
def test_that_it_is_closed_is_said(environment, tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "zsl_cli", "classify", "-"], env=environment, cwd=tmp_path,
        capture_output=True, check=False, preexec_fn=lambda: os.close(0))
    assert result.stderr == b"zsl: -: standard input is closed\n"
    assert result.returncode == 1
