"""What the pages of ``zsl eval`` are made of: tables, plots, small pictures, what was left out.

A page stands alone (see html_page) and has no script. What comes from outside, such as file names
and labels, is escaped.
"""

import base64
import hashlib
import io
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from PIL import Image

from zsl_cli.embedding import images
from zsl_cli.errors import ImageError
from zsl_cli.evaluation import plots
from zsl_cli.support import files, html_page
from zsl_cli.support.html_page import escaped, isolated
from zsl_cli.support.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from zsl_cli.evaluation.left_out import LeftOut
    from zsl_cli.evaluation.tables import Table

_SEAL = re.compile(rb"<!-- zsl eval [0-9a-f]{64} -->\n")
_SEAL_SIZE = 83  # bytes
_THUMBNAIL = images.Preprocessing(size=144, crop=1.0)


@dataclass(frozen=True)
class About:
    """What the page says of itself.

    made: when, as an ISO 8601 time. dataset: what was evaluated, as it was asked for.
    left_out: a heading, and what of that kind did not count, a line each.
    """

    dataset: str
    version: str
    made: str
    images: int
    left_out: Sequence[tuple[str, Sequence[str]]] = ()


def about(dataset: str, images: int, left_out: "LeftOut") -> About:
    """What a page that is made now says of itself."""
    made = datetime.now(UTC).isoformat(timespec="seconds")
    return About(dataset, __version__, made, images, left_out.listed())


def document(content: "Iterable[str]") -> bytes:
    """The page with this content, markup, in UTF-8; empty parts are left out."""
    before, behind = html_page.around(__package__, "page", title="Evaluation")
    return _sealed((before + "\n".join(filter(None, content)) + behind).encode())


def check_place(path: str | os.PathLike[str], *, force: bool = False) -> None:
    """Raise ZslError, before any work is done, for a page that could not be written, or that would
    replace what is not as ``document`` made it unless ``force`` allows that."""
    try:
        own = os.path.isfile(path) and is_own(path)
    except OSError as error:
        raise files.cannot_write(path, error) from error
    files.check_new_file(path, force=force or own, parameter="report")


def write(path: str | os.PathLike[str], content: bytes, *, force: bool = False) -> None:
    """Write what ``document`` has made. It replaces such a page, and any other file only with
    ``force``; raises ZslError."""
    check_place(path, force=force)
    try:
        with files.replacing(path) as file:
            file.write(content)
    except OSError as error:
        raise files.cannot_write(path, error) from error


def write_tables(path: str | os.PathLike[str], shown: "Iterable[Table]", about: About, *,
                 force: bool = False) -> None:
    """Write a page of tables alone; see ``write``."""
    write(path, document([head(about), "<h2>Figures</h2>", *map(table, shown), left_out(about)]),
          force=force)


def is_own(path: str | os.PathLike[str]) -> bool:
    """Whether a regular file is a page as ``document`` has made it, and not one that somebody has
    written into since. Raises OSError."""
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _SEAL_SIZE))
        if not _SEAL.fullmatch(file.read()):
            return False  # without reading all of what may be large
        file.seek(0)
        content = file.read()
    return _sealed(content[:-_SEAL_SIZE]) == content


def _sealed(page: bytes) -> bytes:
    """The page with a comment behind it that holds its checksum."""
    return page + f"<!-- zsl eval {hashlib.sha256(page).hexdigest()} -->\n".encode()


def head(about: About) -> str:
    """What stands first."""
    return (f'<header><h1>Evaluation of {isolated(about.dataset)}</h1><dl class="counts"><div><dt>'
            f"images</dt><dd>{about.images:,}</dd></div></dl>"
            f'<p class="made">zsl {escaped(about.version)}, {escaped(about.made)}</p></header>')


def table(shown: "Table") -> str:
    """A table with its heading."""
    names = "".join(f'<th scope="col"{_number(at, shown)}>{escaped(name)}</th>'
                   for at, name in enumerate(shown.columns))
    lines = "".join(
        "<tr>" + "".join(f"<td{_number(at, shown)}>"
                         + (isolated(cell) if at < shown.texts else _figure(cell)) + "</td>"
                         for at, cell in enumerate(line)) + "</tr>" for line in shown.lines)
    return (f"<h3>{escaped(shown.heading)}</h3><p class=\"quiet\">{escaped(shown.note)}</p>"
            f'<div class="wide" tabindex="0" role="region" aria-label="{escaped(shown.heading)}">'
            f"<table><thead><tr>{names}</tr></thead><tbody>{lines}</tbody></table></div>")


def _number(at: int, table: "Table") -> str:
    return ' class="number"' if at >= table.texts else ""


def _figure(cell: str) -> str:
    value, _, rest = cell.partition(" ")
    return escaped(value) + (f' <span class="of">{escaped(rest)}</span>' if rest else "")


def plot(title: str, note: str, drawing: str,
         legend: Iterable[tuple[str, int]] = ()) -> str:
    """A drawing (see plots) with a caption, and the names and colours of its lines."""
    items = "".join(f"<li>{plots.swatch(colour)}{isolated(name)}</li>" for name, colour in legend)
    return (f"<figure><figcaption>{escaped(title)}<small>{escaped(note)}</small></figcaption>"
            f'{drawing}{f"<ul class=legend>{items}</ul>" if items else ""}</figure>')


class Thumbnails:
    """Small pictures as elements of the page, made once for each file."""

    def __init__(self) -> None:
        self._made: dict[Path, str] = {}

    def of(self, path: "Path") -> str:
        """An ``img`` that holds its own data, or what stands in its place."""
        if path not in self._made:
            self._made[path] = self._make(path)
        return self._made[path]

    def _make(self, path: "Path") -> str:
        try:
            pixels = images.load(path, _THUMBNAIL)
        except ImageError:
            return '<div class="none"></div>'
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "JPEG", quality=60)
        data = base64.b64encode(file.getvalue()).decode()
        return (f'<img loading="lazy" alt="{escaped(path.name)}" width="144" height="144" '
                f'src="data:image/jpeg;base64,{data}">')


def left_out(about: About) -> str:
    """What did not count, kind by kind; nothing where all did."""
    parts = [f"<h3>{escaped(heading)}</h3><ul class=\"left-out\">"
             + "".join(f"<li>{isolated(line)}</li>" for line in lines) + "</ul>"
             for heading, lines in about.left_out if lines]
    return "<h2>Left out</h2>" + "".join(parts) if parts else ""
