"""What commands over whole libraries tell alike."""

from typing import TYPE_CHECKING

from zsl_cli.cli.terminal import notes, printing
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.cli.terminal.progress import TerminalReporter, duration, rate
from zsl_cli.support.wording import counted, more

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from zsl_cli.errors import ImageError
    from zsl_cli.photos.result import IndexResult, LabelResult

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


def summed_up(result: "IndexResult | LabelResult", changes: str = "") -> "Iterator[str]":
    """What came of reading a library, as lines. changes: what else is said of known photos."""
    done = result.read + result.failed
    yield (f"{counted(result.read, 'photo')} read, {result.failed:,} failed, "
           f"{result.kept:,} known already{changes}, {duration(result.seconds)}"
           + (f", {rate(done / result.seconds)}" if done else ""))
    yield from reasons(result.reasons)
    yield from notes.passed_over(result.passed_over)
    if result.not_text:
        yield (f"{counted(result.not_text, 'name')} not UTF-8: such bytes are \\udcXX in what is "
               "written")
    if result.failed_before:
        yield (f"{result.failed_before:,} of these failed in an earlier run; "
               "--retry-failed tries them again")


def reasons(counts: "Counter[str]") -> "Iterator[str]":
    """How often photos failed for what reason, as lines."""
    for reason, count in counts.most_common(_REASONS):
        yield f"{count:,} × {as_options(reason)}"
    if len(counts) > _REASONS:
        yield f"and {more(len(counts) - _REASONS, 'reasons')}"
