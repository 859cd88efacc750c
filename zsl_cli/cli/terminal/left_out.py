"""What of a labelled set does not count, told on the terminal."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from zsl_cli.support.wording import printable

if TYPE_CHECKING:
    from zsl_cli.evaluation.left_out import Report

_SAID = 5  # examples of a kind that are named


def reporting(say: Callable[[str], object], verbose: bool) -> "Report":
    """What says the first things of each kind, or with ``verbose`` all of them."""
    def report(lines: Sequence[str], kind: str) -> None:
        shown = lines if verbose else lines[:_SAID]
        for line in shown:
            say(f"zsl: {printable(line)}")
        if len(lines) > len(shown):
            say(f"zsl: and {len(lines) - len(shown):,} more {printable(kind)} "
                "(--verbose names them all)")
    return report
