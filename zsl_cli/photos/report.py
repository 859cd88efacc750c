"""Entries → one HTML file to look at them with: thumbnails, filters, the tree of labels, failures.

The file stands alone (see html_page). What comes from outside, such as file names, is in it as
JSON alone and never as markup; ``report.js`` builds the page from that.
"""

import base64
import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, BinaryIO

from zsl_cli.classifier.predictions import broad_first
from zsl_cli.photos.entry import Entry
from zsl_cli.support import html_page
from zsl_cli.support.wording import printable

Lineage = Callable[[str], Sequence[tuple[str, str]]]
"""The id of a label → (id, name) from the root of the tree down to the label itself."""

BLOCK = 100
"""Photos a block of JSON. The page reads a block's thumbnails when it comes to show them, so
that a hundred thousand photos don't have to be held twice."""

@dataclass(frozen=True)
class About:
    """What the report says of itself.

    made: when, as an ISO 8601 time.
    folder: what was labelled, as it was asked for.
    """

    model: str
    vocabulary: str
    version: str
    made: str
    folder: Sequence[str]


def write(file: BinaryIO, entries: Iterable[Entry], lineage: Lineage, about: About,
          keyword_lineage: Lineage | None = None) -> None:
    """The report of the entries, in their order. They are written as they come: only a block of
    them and the tables of the labels and keywords are held.

    keyword_lineage: the same as ``lineage`` for keywords, where there are to be any: these are
        then what the page shows and filters by, and the labels stand with the single photo.
    """
    before, behind = html_page.around(__package__, "report", title="Labelled photos")
    labels = _Labels(lineage)
    keywords = keyword_lineage and _Labels(keyword_lineage)
    file.write(before.encode())
    file.write(_block("about", {
        "model": printable(about.model), "version": printable(about.version),
        "vocabulary": printable(about.vocabulary), "made": printable(about.made),
        "folder": [printable(folder) for folder in about.folder]}))
    entries = iter(entries)
    while batch := list(islice(entries, BLOCK)):
        photos = [entry for entry in batch if entry.error is None]
        file.write(_block("rows", {
            "photos": [[*_split(entry.path), _scores(entry, labels),
                        *([_confidences(entry, keywords)] if keywords else [])]
                       for entry in photos],
            "failures": [[printable(entry.path), entry.error.kind, printable(entry.error.plain)]
                         for entry in batch if entry.error is not None]}))
        file.write(_block("thumbnails", [base64.b64encode(entry.thumbnail or b"").decode()
                                         for entry in photos]))
    file.write(_block("labels", labels.table))
    if keywords:
        file.write(_block("keywords", keywords.table))
    file.write(behind.encode())


def _split(path: str) -> tuple[str, str]:
    """Folder and file name, which add up to the path."""
    start = len(path) - len(os.path.basename(path))
    return printable(path[:start]), printable(path[start:])


def _scores(entry: Entry, labels: "_Labels") -> list[int]:
    """Row and score in thousandths, in turn, of each label."""
    return [number for scored in entry.labels
            for number in (labels.row(scored.id), round(1000 * scored.score))]


def _confidences(entry: Entry, keywords: "_Labels") -> list[int]:
    """The same of each keyword, the broad before the specific."""
    placed = [replace(one, path=tuple(name for _, name in keywords.lineage(one.id)))
              for one in entry.keywords or ()]
    return [number for one in broad_first(placed)
            for number in (keywords.row(one.id), round(1000 * one.confidence))]


class _Labels:
    """The labels that were found and those above them: ``table`` has a line ``[id, name, line of
    the parent or -1]`` for each, parents first."""

    def __init__(self, lineage: Lineage) -> None:
        self.table: list[tuple[str, str, int]] = []
        self.lineage = lineage
        self._rows: dict[str, int] = {}

    def row(self, id_: str) -> int:
        """The line of this label in the table, made when it is met for the first time."""
        if id_ not in self._rows:
            parent = -1
            for above, name in self.lineage(id_):
                if above not in self._rows:
                    self._rows[above] = len(self.table)
                    self.table.append((printable(above), printable(name), parent))
                parent = self._rows[above]
        return self._rows[id_]


def _block(kind: str, value: Any) -> bytes:
    """The value as JSON in a script element, in ASCII and without what HTML gives a meaning."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    for character in "<>&":  # they occur in strings alone, where an escape means the same
        text = text.replace(character, f"\\u{ord(character):04x}")
    return f'<script type="application/json" data-block="{kind}">{text}</script>\n'.encode("ascii")
