"""What ``zsl eval`` prints and writes."""

import os
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from zsl_cli import __version__
from zsl_cli.errors import ZslError
from zsl_cli.evaluation.left_out import LeftOut
from zsl_cli.support.wording import printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from zsl_cli.evaluation.measure import Outcome, Settings

_WIDE = 160  # columns, where there is no terminal


def check_report(report: str, *, force: bool) -> None:
    """Raise ZslError, before any work is done, for a report that could not be written, or that
    would replace what zsl eval has not written so itself unless ``force`` allows that."""
    from zsl_cli.evaluation import page
    from zsl_cli.support import files

    own = os.path.isfile(report) and page.is_own(report)
    files.check_new_file(report, force=force or own, option="--report")


def say_differences(outcomes: "Sequence[Outcome]") -> None:
    """Tell when rows of one candidate set are of different images."""
    images: dict[str, set[tuple[Path, ...]]] = {}  # each set has a name of its own
    for outcome in outcomes:
        images.setdefault(outcome.candidates.name, set()).add(tuple(outcome.paths))
    for name, found in images.items():
        if len(found) > 1:
            click.echo(f"zsl: {printable(name)}: the rows are of different images ("
                       + " and ".join(f"{number:,}" for number in sorted(map(len, found)))
                       + "), since the vocabularies differ in the classes that they know or have "
                       "as seen", err=True)


def write_report(path: str, outcomes: "Sequence[Outcome]", settings: "Settings", dataset: str,
                 problems: LeftOut) -> None:
    """The page; raises ZslError."""
    from zsl_cli.evaluation import page
    from zsl_cli.support import files

    made = datetime.now(UTC).isoformat(timespec="seconds")
    about = page.About(dataset, __version__, made, problems.images, problems.listed())
    content = page.render(outcomes, settings.ks, about)
    try:
        with files.replacing(path) as file:
            file.write(content)
    except OSError as error:
        raise ZslError(f"cannot write {path}: {error.strerror or error}") from error


def write(outcomes: "Sequence[Outcome]", output_format: str | None, settings: "Settings",
          about: dict[str, Any]) -> None:
    """All figures on standard output; ``about`` is what JSON says besides. Raises OSError."""
    from zsl_cli.evaluation import tables

    rows = [outcome.row for outcome in outcomes]
    if output_format is None:
        _print_tables(tables.tables(rows, settings.ks, narrow=True))
        return
    if output_format == "json":
        text, errors = tables.to_json(rows, **about), "backslashreplace"
    elif output_format == "csv":
        text, errors = tables.to_csv(rows), "surrogateescape"
    else:
        text, errors = tables.to_markdown(tables.tables(rows, settings.ks)), "backslashreplace"
    sys.stdout.buffer.write(text.encode("utf-8", errors))
    sys.stdout.buffer.flush()


def _print_tables(found: "Sequence[Any]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty() or "COLUMNS" in os.environ
    console = Console(highlight=False, width=None if terminal else _WIDE)
    for number, table in enumerate(found):
        grid = Table(title=Text(table.heading, style="bold"), title_justify="left", box=None,
                     pad_edge=False, caption=Text(table.note, style="dim"), caption_justify="left")
        for at, name in enumerate(table.columns):
            grid.add_column(name, justify="left" if at < table.texts else "right",
                            header_style="dim", overflow="fold")
        for line in table.lines:
            grid.add_row(*(Text(printable(cell)) for cell in line))
        if number:
            console.print()
        console.print(grid)
    sys.stdout.flush()
