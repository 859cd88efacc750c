"""How a long piece of work goes, told to whoever shows it."""

from collections.abc import Callable


class Reporter:
    """Silent; a subclass overrides what it wants to hear. Rooms that have more to tell have
    reporters of their own, which are this one and more."""

    def start(self, description: str, total: int | None = None, unit: str = "images") -> None:
        """A new piece of work of so many units; None where nobody knows how many."""

    def advance(self, done: float, failed: int = 0) -> None:
        """So many more units are done, of which so many failed."""

    def end(self) -> None:
        """The piece of work is done."""

    def say(self, line: str) -> None:
        """What a person may want to know."""

    def detail(self, line: str) -> None:
        """The same, for one who wants to know more."""

    def warn(self, line: str) -> None:
        """What a person should know."""


SILENT = Reporter()


def in_thousands(advance: Callable[[int], None]) -> Callable[[int], None]:
    """What is told of units, and tells of thousands."""
    rest = 0

    def inner(done: int) -> None:
        nonlocal rest
        whole, rest = divmod(rest + done, 1000)
        if whole:
            advance(whole)
    return inner
