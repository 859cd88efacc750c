"""Corrections: what a user, a file or another program says that photos show, or do not show."""

import csv
import io
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from zsl_cli.embedding.walk import Walk
from zsl_cli.errors import ImageError, ZslError
from zsl_cli.evaluation import class_folders
from zsl_cli.support.wording import quoted

MOST = 1 << 28
"""Bytes of a file of corrections."""

_PHOTO = ("photo", "path", "image", "file")
_YES = ("", "+", "1", "yes", "true", "is")
_NO = ("-", "\u2212", "0", "no", "false", "not")
_COLUMNS = ("label", "shows", "sign", "under", "content", *_PHOTO)


@dataclass(frozen=True)
class Correction:
    """A photo shows a label, or does not.

    label: a name, a synonym or an id. photo: its path, or an error that is known already where
        there is none.
    content: what tells the photo's content (see reading.content_of), for one that may have been
        moved; either is enough.
    under: the labels right above, for a label that is new.
    where: of what file it is, for messages.
    if_known: whether it is left out where the label is none, instead of being an error; ``under``
        makes a new one where it is a label itself.
    """

    label: str
    photo: str = ""
    shows: bool = True
    content: str = ""
    under: tuple[str, ...] = ()
    where: str = ""
    error: ImageError | None = None
    if_known: bool = False


def of_photos(label: str, photos: Iterable[str], denied: Sequence[str] = (),
              under: tuple[str, ...] = (), walk: Walk | None = None) -> Iterator[Correction]:
    """Photos, folders and patterns show a label, and do not show others; an empty one is none."""
    for path, error in (walk or Walk()).expand(photos):
        if label:
            yield Correction(label, path, under=under, error=error)
        for other in denied:
            yield Correction(other, path, shows=False, error=error)


def read(source: str | os.PathLike[str], under: tuple[str, ...] = ()) -> list[Correction]:
    """What a folder of class folders says, or a file: CSV or JSON lines, whose columns are
    ``photo`` (or ``path``, ``image``, ``file``), relative to the file or else to where we are,
    ``label``, and, if need be, ``shows`` (or ``sign``; ``yes`` by default), ``under`` and
    ``content``.

    under: of new labels that do not say it themselves.

    Raises ZslError for what cannot be read or says nothing.
    """
    path = os.fspath(source)
    found = list(_class_folders(path, under) if os.path.isdir(path) else _file(path, under))
    if not found:
        raise ZslError(f"{path}: there is no correction in it")
    return found


def _class_folders(folder: str, under: tuple[str, ...]) -> Iterator[Correction]:
    from pathlib import Path

    for name in class_folders.names_in(Path(folder)):
        yield from of_photos(name, [os.path.join(folder, name)], under=under,
                             walk=Walk(follow_links=True))


def _file(path: str, under: tuple[str, ...]) -> Iterator[Correction]:
    try:
        if os.path.getsize(path) > MOST:
            raise ZslError(f"{path}: too large for a file of corrections")
        with open(path, "rb") as file:
            text = file.read().decode("utf-8-sig", "surrogateescape")
    except OSError as error:
        raise ZslError(f"{path}: {error.strerror or error}") from error
    rows = _json_lines(text, path) if text.lstrip().startswith("{") else _table(text, path)
    folder = os.path.dirname(path)
    for number, row in rows:
        where = f"{path}, line {number}"
        yield _correction(row, where, folder, under)


def _json_lines(text: str, path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ZslError(f"{path}, line {number}: not valid JSON ({error})") from error
        if not isinstance(row, dict):
            raise ZslError(f"{path}, line {number}: an object is expected")
        yield number, row


def _table(text: str, path: str) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        dialect: Any = csv.excel
        head = text.partition("\n")[0]
        if head.count(";") > head.count(","):
            class Semicolons(csv.excel):
                delimiter = ";"
            dialect = Semicolons
        lines = csv.reader(io.StringIO(text, newline=""), dialect, strict=True)
        names = [name.strip().lower() for name in next(lines, [])]
        if "label" not in names or not {*names} & {*_PHOTO, "content"}:
            raise ZslError(f"{path}: a line with the names of the columns is expected at its head, "
                           "label and photo among them")
        for cells in lines:
            if any(cell.strip() for cell in cells):
                yield lines.line_num, dict(zip(names, cells, strict=False))
    except csv.Error as error:
        raise ZslError(f"{path}: not valid CSV ({error})") from error


def _correction(row: dict[str, Any], where: str, folder: str,
                under: tuple[str, ...]) -> Correction:
    said = {name: row[name] for name in _COLUMNS if row.get(name) not in (None, "")}
    label = said.get("label")
    if not isinstance(label, str) or not label.strip():
        raise ZslError(f"{where}: no label")
    photo = next((said[name] for name in _PHOTO if name in said), "")
    content = said.get("content", "")
    if not isinstance(photo, str) or not isinstance(content, str) or not (photo or content):
        raise ZslError(f"{where}: no photo")
    above = said.get("under", list(under))
    above = [above] if isinstance(above, str) else above
    if not isinstance(above, list) or not all(isinstance(one, str) for one in above):
        raise ZslError(f"{where}: under {above!r} is not the name of a label")
    beside = os.path.join(folder, photo)
    return Correction(label.strip(), beside if photo and os.path.lexists(beside) else photo,
                      _shows(said.get("shows", said.get("sign", "")), where), content,
                      tuple(one.strip() for one in above if one.strip()), where)


def _shows(value: Any, where: str) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in _YES or text in _NO:
        return text in _YES
    raise ZslError(f"{where}: shows {quoted(str(value))} is neither yes nor no")
