"""Being asked to stop: Ctrl-C, ``kill``, a terminal that is closed."""

import signal
import time
from types import FrameType, TracebackType

_ECHO = 1.0  # seconds
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP")
            if hasattr(signal, name)]


class Interrupts:
    """Within it each of these signals raises KeyboardInterrupt, and ``status`` is the exit status
    that says which one it was.

    Signals that follow one another at once are taken for one, so that what the first one begins,
    such as writing what is done, is not broken off by its echo: a terminal, a shell and
    ``timeout`` may each send one. A later one counts again. What whoever started us wants ignored
    stays ignored.
    """

    def __init__(self) -> None:
        self.status = 130
        self._last = -_ECHO
        self._earlier: dict[int, object] = {}

    def __enter__(self) -> "Interrupts":
        for number in _SIGNALS:
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                self._earlier[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _interrupt(self, number: int, _frame: FrameType | None) -> None:
        before, self._last = self._last, time.monotonic()
        if self._last - before >= _ECHO:
            self.status = 128 + number
            raise KeyboardInterrupt
