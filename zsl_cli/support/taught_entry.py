"""What the manifest of a taught vocabulary says of that: over which one it is made, and where what
was taught is."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from zsl_cli.errors import FolderError

Entries = Mapping[str, Any]
_TEXTS = ("base", "base_digest", "model", "definitions", "lessons")
_ROWS = ("rows", "second_rows", "beside_rows")


@dataclass(frozen=True)
class TaughtEntry:
    """Of a vocabulary folder whose ``vectors.npy`` and ``labels.jsonl`` are those of its base.

    base: by which name or folder the base was asked for; base_digest: of its files.
    model: by which name or folder the model is found whose embeddings the lessons have.
    labels: how many new labels stand behind those of the base. count: how many lessons there are.
    definitions, lessons: the files with the new labels and names, and with the lessons.
    vectors: the file with the vectors that follow from them, float32, first those of ``rows``, in
        the place of the base's or of new labels, then the second vectors of ``second_rows``, then
        those of ``beside_rows``, in the place of the base's; None where nothing follows.
    centre: the file with the mean embedding of photos, where the space has one; and what it is of.
    """

    base: str
    base_digest: str
    model: str
    labels: int
    count: int
    definitions: str
    lessons: str
    vectors: str | None = None
    rows: tuple[int, ...] = ()
    second_rows: tuple[int, ...] = ()
    beside_rows: tuple[int, ...] = ()
    centre: str | None = None
    centre_of: str = ""

    @classmethod
    def from_entries(cls, entry: Any, entries: Entries, path: Path) -> Self:
        """That of a manifest in this file. Raises FolderError."""
        def wrong(why: str) -> FolderError:
            return FolderError(f"{path}: taught: {why}")

        if not isinstance(entry, dict):
            raise wrong("an object is expected")
        for name in _TEXTS:
            if not isinstance(entry.get(name), str):
                raise wrong(f"{name} {entry.get(name)!r} is not a text")
        for name in ("labels", "count"):
            if type(entry.get(name)) is not int or entry[name] < 0:
                raise wrong(f"{name} {entry.get(name)!r} is not a number of them")
        total, new = entries["labels"], entry["labels"]
        if new >= total:
            raise wrong(f"{new} new labels of {total}")
        rows = {name: _rising(entry.get(name, []), wrong) for name in _ROWS}
        if rows["rows"][-1:] > (total - 1,) or rows["second_rows"][-1:] > (total - new - 1,):
            raise wrong("a row behind the last label")
        if rows["rows"][len(rows["rows"]) - new:] != tuple(range(total - new, total)):
            raise wrong("a new label without a vector")
        vectors, centre = entry.get("vectors"), entry.get("centre")
        if not {*rows["beside_rows"]} <= {*entries.get("beside", [])}:
            raise wrong("beside_rows of labels that have no such vector")
        if (vectors is None) != (not any(rows.values())):
            raise wrong("rows and vectors belong together")
        for file in (entry["definitions"], entry["lessons"], vectors, centre):
            if file is not None and not (isinstance(file, str) and file in entries["files"]):
                raise wrong(f"{file!r} is none of the files")
        return cls(entry["base"], entry["base_digest"], entry["model"], new, entry["count"],
                   entry["definitions"], entry["lessons"], vectors, rows["rows"],
                   rows["second_rows"], rows["beside_rows"], centre,
                   str(entry.get("centre_of", "")))

    def to_entries(self) -> dict[str, Any]:
        """As the manifest has it."""
        return {name: list(value) if isinstance(value, tuple) else value
                for name, value in asdict(self).items() if value not in (None, "", ())}


def _rising(rows: Any, wrong: Any) -> tuple[int, ...]:
    if not (isinstance(rows, list) and all(type(row) is int for row in rows)
            and all(below < row for below, row in zip([-1, *rows], rows, strict=False))):
        raise wrong("rows of labels, rising, are expected")
    return tuple(rows)
