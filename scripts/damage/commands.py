"""The real command line on damaged input."""

import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from watched import MEMORY, Fault

_SECONDS = 30  # of computing, in which PyTorch is imported, and twice if need be
_WORDS = ("Traceback (most recent call last)", "this should not have happened")


def run(arguments: list[str], folder: Path) -> Fault | None:
    """What ``zsl`` with these arguments does wrong, run in a folder."""
    status, said, memory = _run(arguments, folder)
    if status not in (0, 1, 2) or any(word in said for word in _WORDS):
        _, more, _ = _run([*arguments, "--debug"], folder)
        return Fault(f"{said[-2000:]}\n{more[-4000:]}\nexit status {status}")
    if memory > MEMORY:
        return Fault(f"{memory >> 20} MB of memory")
    return None


def _run(arguments: list[str], folder: Path) -> tuple[int, str, int]:
    """The exit status, standard error, and the most memory it had, in bytes."""
    with tempfile.TemporaryDirectory(prefix="zsl-damage-home-") as home, \
            tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "zsl_cli", *arguments], cwd=folder, stdin=subprocess.DEVNULL,
            env={**os.environ, "HOME": home, "XDG_CACHE_HOME": home, "XDG_DATA_HOME": home},
            stdout=subprocess.DEVNULL, stderr=said,
            preexec_fn=lambda: resource.setrlimit(  # noqa: PLW1509 - no other thread is here
                resource.RLIMIT_CPU, (_SECONDS, _SECONDS)))
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        return process.returncode, said.read().decode(errors="replace"), usage.ru_maxrss << 10
