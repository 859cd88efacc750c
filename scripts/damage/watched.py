"""A process that reads, and is ended when it takes too long or too much memory."""

import multiprocessing
import os
import re
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

SECONDS = 10  # of computing; waiting for other programs does not count
_WAITING = 120  # seconds in which it answers at all
MEMORY = 1 << 30
_ROOM = 4 << 30  # of addresses, beyond what a process has at its start
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Fault:
    """What should not happen, such as a traceback."""

    text: str

    @property
    def kind(self) -> str:
        """The last line of the program's own that a traceback names, and what was raised; else
        all that is said, without its numbers."""
        frames = re.findall(r'File ".*?(zsl_cli/[^"]+)", line (\d+)', self.text)
        last = self.text.strip().rpartition("\n")[2]
        where = ":".join(frames[-1]) if frames else ""
        return where + " " + (last.partition(":")[0] if frames else re.sub(r"\d+", "#", last))


class Watched:
    """The process; a context. It is made anew when it has been ended."""

    def __init__(self) -> None:
        self._process = None

    def warm(self, reader: str) -> "str | Fault":
        """Have everything imported, and good input read."""
        self._start()
        return self._ask(reader, None, 10 * SECONDS)

    def read(self, reader: str, folder: Path) -> "str | Fault":
        """``ok``, ``refused`` or a fault."""
        if self._process is None:
            good = self.warm(reader)
            if self._process is None:  # not even good input was read
                return good
        return self._ask(reader, folder, SECONDS)

    def _ask(self, reader: str, folder: Path | None, seconds: float) -> "str | Fault":
        before, start = self._computed(), time.monotonic()
        self._pipe.send((reader, folder))
        while not self._pipe.poll(0.2):
            if not self._process.is_alive():
                return self._ended("it died")
            if self._computed() - before > seconds:
                return self._ended(f"more than {seconds} seconds")
            if time.monotonic() - start > _WAITING:
                return self._ended(f"no answer in {_WAITING} seconds")
        try:
            result, text = self._pipe.recv()
        except EOFError:
            return self._ended("it died")
        return Fault(text) if result == "fault" else result

    def _computed(self) -> float:
        """Seconds of processor that it has taken so far."""
        try:
            fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / _TICK

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._log = tempfile.NamedTemporaryFile(  # noqa: SIM115 - _close closes it
            prefix="zsl-damage-", suffix=".log")
        self._process = context.Process(target=_serve, args=(other, self._log.name), daemon=True)
        self._process.start()
        other.close()

    def _ended(self, why: str) -> Fault:
        """End it; why, and where it was."""
        if self._process.is_alive():
            os.kill(self._process.pid, 10)  # SIGUSR1: faulthandler writes where it is
            time.sleep(1)
            self._process.kill()
        self._process.join()
        said = Path(self._log.name).read_text(errors="replace")[-3000:]
        text = f"{said}\n{why}, exit status {self._process.exitcode}"
        self._close()
        return Fault(text)

    def _close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
            self._log.close()
            self._process = None

    def __enter__(self) -> "Watched":
        return self

    def __exit__(self, *_) -> None:
        self._close()


def _serve(pipe, log: str) -> None:
    """Read what is asked for, until the asker has gone."""
    import faulthandler
    import resource
    import signal
    import warnings

    file = os.open(log, os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)
    faulthandler.enable(sys.stderr)
    faulthandler.register(signal.SIGUSR1, sys.stderr, all_threads=False)
    warnings.simplefilter("ignore")  # as the program does
    limited = False
    while True:
        try:
            name, folder = pipe.recv()
        except EOFError:
            return
        if folder is None:
            pipe.send(_warm(name))
            continue
        if not limited:
            limit = _memory("VmSize") + _ROOM
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            limited = True
        pipe.send(_read(name, folder))


def _warm(name: str) -> tuple[str, str]:
    from damaged import written
    from damaged_readers import READERS

    for files in READERS[name].samples.values():
        with written(files) as folder:
            READERS[name].read(folder)
    return "ok", ""


def _read(name: str, folder: Path) -> tuple[str, str]:
    """What comes of it, and of a fault what is said."""
    from damaged_readers import READERS

    from zsl_cli.errors import ImageError, ZslError

    Path("/proc/self/clear_refs").write_text("5")  # the peak of the memory begins anew
    before = _memory("VmRSS")
    answer = "ok", ""
    try:
        READERS[name].read(folder)
    except (ZslError, ImageError) as error:
        answer = ("refused", "") if str(error).strip() else ("fault", "an error without a word")
    except BaseException as error:
        answer = "fault", "".join(traceback.format_exception(error, limit=-12))
    taken = _memory("VmHWM") - before
    if taken > MEMORY:
        return "fault", f"{answer[1]}\n{taken >> 20} MB of memory"
    return answer


def _memory(what: str) -> int:
    """Bytes, by proc(5)."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(rf"{what}:\s+(\d+)", status)[1]) << 10
