"""Ctrl-C, once."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_ECHO = 1.0  # seconds


@contextmanager
def one_interrupt() -> Iterator[None]:
    """Take interrupts that follow one another at once for one, so that what the first one begins,
    such as writing what is done, is not broken off by its echo: a terminal, a shell and
    ``timeout`` may each send one. A later one counts again."""
    last = -_ECHO

    def interrupt(number: int, frame: FrameType | None) -> None:
        nonlocal last
        before, last = last, time.monotonic()
        if last - before < _ECHO:
            return
        raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield  # whoever started us wants interrupts ignored
        return
    signal.signal(signal.SIGINT, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
