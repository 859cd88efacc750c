"""The labels of a user's file: a text with one a line, a table, or JSON lines."""

import codecs
import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zsl_cli.errors import ZslError
from zsl_cli.support import tab_separated
from zsl_cli.support.progress import Reporter
from zsl_cli.support.text_lists import numbered_lines, whole_lines
from zsl_cli.support.wording import some
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.words import listed

_COLUMNS = ("id", "name", "synonyms", "gloss", "parents")
_LISTS = ("synonyms", "parents")
_ONE = {"synonym": "synonyms", "parent": "parents"}
_OTHERS = ("vector",)  # columns that zsl vocab export writes, and that say nothing here
_SEPARATORS = ";\t|"
_SHEETS = (".xlsx", ".xls", ".ods", ".numbers")


def read(path: Path, reporter: Reporter) -> Iterator[tuple[int, Label]]:
    """The labels, each with the number of its line. Raises ZslError with file and line."""
    _check_kind(path)
    suffix = path.suffix.lower()
    if suffix in (".csv", ".tsv"):
        return _table(path, reporter)
    return _records(path) if suffix in (".jsonl", ".ndjson") else _lines(path)


def _check_kind(path: Path) -> None:
    """Raise ZslError for files that one might take for lists of labels."""
    if path.suffix.lower() == ".json":
        raise ZslError(f"{path}: JSON is read as .jsonl, with an object a line, such as "
                       '{"name": "red panda"}')
    try:
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise ZslError(f"{path}: {error.strerror}") from error
    if path.suffix.lower() in _SHEETS:
        raise ZslError(f"{path}: a spreadsheet; save its table as .csv first")
    if head.startswith((b"PK\x03\x04", b"\x1f\x8b")):
        raise ZslError(f"{path}: a compressed file; unpack it first, or, if it is a spreadsheet, "
                       "save its table as .csv")
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise ZslError(f"{path}: UTF-16 text; convert the file first (iconv -f utf-16 -t utf-8)")


def _lines(path: Path) -> Iterator[tuple[int, Label]]:
    for number, text in numbered_lines(path):
        yield number, listed.label(text)


def _table(path: Path, reporter: Reporter) -> Iterator[tuple[int, Label]]:
    """A table with a header; only the column ``name`` must be there."""
    tabs = path.suffix.lower() == ".tsv"
    rows = _tab_separated(path) if tabs else _comma_separated(path)
    _, header = next(rows, (1, []))
    columns = _columns(path, header, "tabs" if tabs else "commas", reporter)
    for line, cells in rows:
        if not any(cells):
            continue
        if len(cells) > len(header):
            raise ZslError(f"{path}, line {line}: more cells than the header has columns; "
                           + ("write a tab as \\t" if tabs else
                              "put quotes around what has the separator in it"))
        record: dict[str, Any] = {key: cells[columns[key]] for key in _COLUMNS
                                  if columns.get(key, len(cells)) < len(cells)}
        if tabs:
            record = {key: tab_separated.read_texts(cell) if key in _LISTS
                      else tab_separated.read_text(cell) for key, cell in record.items()}
        yield line, _label(record, f"{path}, line {line}")


def _columns(path: Path, header: list[str], separators: str,
             reporter: Reporter) -> dict[str, int]:
    """Where in a row which of _COLUMNS stands."""
    columns: dict[str, int] = {}
    for place, cell in enumerate(header):
        name = cell.strip().lower()
        name = _ONE.get(name, name)
        if name and name in columns:
            raise ZslError(f"{path}, line 1: two columns {name}")
        columns[name] = place
    if "name" not in columns:
        other = next((mark for mark in _SEPARATORS if len(header) == 1 and mark in header[0]), None)
        raise ZslError(f"{path}, line 1: no column \"name\"; a header with some of "
                       f"{', '.join(_COLUMNS)} is expected, and it has "
                       f"{', '.join(filter(None, columns)) or 'none'}"
                       + (f"; separate its cells with {separators}, not with {other!r}" if other
                          else ""))
    if strangers := [name for name in columns if name and name not in (*_COLUMNS, *_OTHERS)]:
        reporter.say(f"{path.name}: columns that are not read: {some(strangers)}; those that are: "
            f"{', '.join(_COLUMNS)}")
    return columns


def _tab_separated(path: Path) -> Iterator[tuple[int, list[str]]]:
    for number, line in whole_lines(path):
        yield number, line.rstrip("\r\n").split("\t")


def _comma_separated(path: Path) -> Iterator[tuple[int, list[str]]]:
    text = "".join(line for _, line in whole_lines(path))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    read = 0  # lines, so that an unfinished quote is told by the line where its row begins
    try:
        for row in reader:
            read = reader.line_num
            yield read, row
    except csv.Error as error:
        raise ZslError(f"{path}, line {read + 1}: {error}") from error


def _records(path: Path) -> Iterator[tuple[int, Label]]:
    """A JSON object a line, with the fields of ``labels.jsonl``."""
    for number, line in whole_lines(path):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ZslError(f"{where}: not JSON ({error})") from error
        if not isinstance(record, dict):
            raise ZslError(f"{where}: expected an object with a name, such as "
                           '{"name": "red panda"}')
        for one, many in _ONE.items():
            if one in record:
                record.setdefault(many, record[one])
        yield number, _label(record, where)


def _label(record: dict[str, Any], where: str) -> Label:
    """A label from the fields of a row or a record; raises ZslError."""
    texts = {}
    for key in ("name", "id", "gloss"):
        value = record.get(key)
        if key == "id" and isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if value is not None and not isinstance(value, str):
            raise ZslError(f"{where}: {key} {value!r} is not a text")
        texts[key] = " ".join((value or "").split())
    if not texts["name"]:
        raise ZslError(f"{where}: a label without a name")
    return Label(texts["id"] or texts["name"], texts["name"],
                 tuple(_several(record.get("synonyms"), f"{where}: synonyms")), texts["gloss"],
                 tuple(_several(record.get("parents"), f"{where}: parents")))


def _several(value: Any, where: str) -> list[str]:
    """A list of texts, or a text in which ``;`` or ``|`` parts them."""
    if value is None:
        return []
    if isinstance(value, str):
        value = re.split(r"[;|]", value)
    if not isinstance(value, list) or not all(isinstance(one, str | int) for one in value):
        raise ZslError(f"{where}: expected a text, or a list of texts")
    return [text for one in value if (text := " ".join(str(one).split()))]
