"""Being asked to stop: Ctrl-C, ``kill``, a terminal that is closed."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ECHO = 1.0  # seconds
_SOON = 0.02  # seconds
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP")
            if hasattr(signal, name)]


class Interrupted(KeyboardInterrupt):
    """One of the signals has come; ``status`` is the exit status that says which."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


@contextmanager
def interrupts() -> Iterator[None]:
    """Within it each of these signals raises Interrupted.

    Signals that follow one another at once are taken for one, so that what the first one begins,
    such as writing what is done, is not broken off by its echo: a terminal, a shell and
    ``timeout`` may each send one. A later one counts again. What whoever started us wants ignored
    stays ignored. A module that is being imported is imported to its end first: compiled ones
    take an interrupt for a fault of theirs, and the import system may lock up.
    """
    last = -_ECHO

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal last
        if _imports(frame):
            again = threading.Timer(_SOON, _send, [number])
            again.daemon = True
            again.start()
        elif time.monotonic() - last >= _ECHO:
            last = time.monotonic()
            raise Interrupted(128 + number)

    earlier = {number: signal.getsignal(number) for number in _SIGNALS}
    taken = {number: handler for number, handler in earlier.items()
             if handler in (signal.SIG_DFL, signal.default_int_handler)}
    for number in taken:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, handler in taken.items():
            signal.signal(number, handler)


def _send(number: int) -> None:
    """The signal again, to the main thread, whose waiting it ends; on Windows that waits on."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    else:
        signal.raise_signal(number)


def _imports(frame: FrameType | None) -> bool:
    """Whether a module is being imported where the main thread stands."""
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None
