"""How far a long piece of work is, told to whoever shows it."""

from collections.abc import Callable
from typing import Protocol


class Progress(Protocol):
    """What is told; cli.progress.Bar is one."""

    def start(self, description: str, total: int | None = None, unit: str = ...) -> None:
        """A new piece of work of so many units."""

    def advance(self, done: int) -> None:
        """So much more is done."""

    def say(self, line: str) -> None:
        """A line for a person."""


class _Silent:
    """Progress that nobody looks at."""

    def start(self, description: str, total: int | None = None, unit: str = "") -> None:
        """See Progress."""

    def advance(self, done: int) -> None:
        """See Progress."""

    def say(self, line: str) -> None:
        """See Progress."""


SILENT: Progress = _Silent()


def in_thousands(advance: Callable[[int], None]) -> Callable[[int], None]:
    """What is told of units, and tells of thousands."""
    rest = 0

    def inner(done: int) -> None:
        nonlocal rest
        whole, rest = divmod(rest + done, 1000)
        if whole:
            advance(whole)
    return inner
