"""What commands over whole libraries tell alike."""

from typing import TYPE_CHECKING

from zsl_cli.cli.terminal import printing
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.cli.terminal.progress import TerminalReporter
from zsl_cli.support.wording import more

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from zsl_cli.errors import ImageError

FIRST_FAILURES = 5  # that are named
_REASONS = 10


class Failures(TerminalReporter):
    """Names the first photos that fail (``verbose``: all of them)."""

    def __init__(self, *, verbose: bool) -> None:
        super().__init__()
        self.verbose = verbose
        self._named = 0

    def photo_failed(self, path: str, error: "ImageError") -> None:
        """Tell the first ones."""
        self._named += 1
        if self.verbose or self._named <= FIRST_FAILURES:
            printing.say(f"{path}: {as_options(str(error))}")


def reasons(counts: "Counter[str]") -> "Iterator[str]":
    """How often photos failed for what reason, as lines."""
    for reason, count in counts.most_common(_REASONS):
        yield f"{count:,} × {as_options(reason)}"
    if len(counts) > _REASONS:
        yield f"and {more(len(counts) - _REASONS, 'reasons')}"
