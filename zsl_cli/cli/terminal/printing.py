"""The one place where commands print: results to standard output, everything else to standard
error.

What a person reads has no characters that would steer a terminal. ``--quiet`` and ``--verbose``
are those of the running command.
"""

import io
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

import click

from zsl_cli.errors import ZslError
from zsl_cli.support.wording import printable

if TYPE_CHECKING:
    from rich.console import Console

NAME = "zsl: "
"""Before what the program says."""


class ClosedOutput(io.TextIOBase):
    """Standard output that whoever started us has closed: an error where something goes there."""

    def write(self, _text: str) -> int:
        """Raise ZslError."""
        raise ZslError("standard output is closed")

    @property
    def buffer(self) -> BinaryIO:
        """Raise ZslError."""
        raise ZslError("standard output is closed")


def _on_standard_error(line: str) -> None:
    click.echo(line, err=True)


_writers: list[Callable[[str], None]] = [_on_standard_error]
"""What puts a line there; the last one counts."""


@contextmanager
def above(write: Callable[[str], None]) -> Iterator[None]:
    """Within it ``write`` puts lines on standard error, above what is shown there."""
    _writers.append(write)
    try:
        yield
    finally:
        _writers.remove(write)


@contextmanager
def alone_on_standard_error() -> Iterator[None]:
    """Within it what the program says is all that goes there, and nothing goes to standard output:
    what a library, or what it starts, writes to either is dropped."""
    with ExitStack() as stack:
        if _has_number(sys.stderr, 2):
            sys.stderr.flush()
            ours = stack.enter_context(open(
                os.dup(2), "w", buffering=1, encoding=sys.stderr.encoding,
                errors=sys.stderr.errors))
            stack.enter_context(_dropped(2))
            stack.enter_context(redirect_stderr(ours))
        if _has_number(sys.stdout, 1):
            sys.stdout.flush()
            stack.enter_context(_dropped(1))
        stack.enter_context(redirect_stdout(stack.enter_context(open(os.devnull, "w"))))
        yield


def _has_number(stream: TextIO | None, number: int) -> bool:
    try:
        return stream is not None and stream.fileno() == number
    except (OSError, ValueError):  # no file of the system's, or a closed one
        return False


@contextmanager
def _dropped(number: int) -> Iterator[None]:
    """Within it, what goes to a file descriptor goes nowhere."""
    kept, nowhere = os.dup(number), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, number)
        yield
    finally:
        os.dup2(kept, number)
        os.close(kept)
        os.close(nowhere)


def say(text: str, before: str = NAME) -> None:
    """A line on standard error; where a terminal was closed, nowhere."""
    with suppress(OSError):
        _writers[-1](printable(before + text))


def note(text: str, before: str = NAME) -> None:
    """What a person may want to know: said without ``--quiet``."""
    if not asked("quiet"):
        say(text, before)


def detail(text: str, before: str = NAME) -> None:
    """What is used, and how long it took: said with ``--verbose``."""
    if asked("verbose"):
        say(text, before)


def asked(flag: str) -> bool:
    """Whether the running command has this flag, such as ``verbose``."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.params.get(flag))


def put(text: str = "") -> None:
    """A line for people on standard output."""
    click.echo(printable(text))


def put_text(text: str, errors: str = "backslashreplace") -> None:
    """A text on standard output as it is, in UTF-8; ``errors``: what becomes of halves of
    surrogate pairs."""
    put_bytes(text.encode("utf-8", errors))


def put_bytes(data: bytes) -> None:
    """Bytes on standard output."""
    stream().write(data)
    stream().flush()


def put_json(value: Any, *, indent: int | None = 2) -> None:
    """A value as JSON, without ``indent`` in one line."""
    put_text(json.dumps(value, ensure_ascii=False, indent=indent) + "\n")


def put_csv(rows: Iterable[Sequence[Any]]) -> None:
    """Rows of a CSV file; bytes of a path that are not UTF-8 become ``\\udcXX``, so that the rest
    of it can be read."""
    from zsl_cli.support.spreadsheet import to_csv

    put_text(to_csv(rows))


def put_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Rows of cells: on a terminal in columns below a head, else between tabs."""
    for line in table_lines(head, rows, terminal=sys.stdout.isatty()):
        click.echo(line)


def table_lines(head: Sequence[str], rows: Sequence[Sequence[str]], *,
                terminal: bool) -> list[str]:
    """The lines of ``put_table``."""
    cells = [[printable(cell) for cell in row] for row in rows]
    if not terminal or not rows:
        return ["\t".join(row) for row in cells]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in (head, *cells)]


def stream() -> BinaryIO:
    """Standard output, for bytes."""
    return sys.stdout.buffer


def console(width: int | None = None) -> "Console":
    """Standard output for what rich draws, so wide where there is no terminal; by default 80
    columns."""
    from rich.console import Console

    known = sys.stdout.isatty() or "COLUMNS" in os.environ
    made = Console(highlight=False, width=None if known else width)
    return made if made.width else Console(highlight=False, width=80)  # COLUMNS=0
