"""The records of a library as JSONL, CSV or Parquet."""

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, BinaryIO

from zsl_cli.errors import MissingExtraError, ZslError
from zsl_cli.photos.entry import Entry, Made
from zsl_cli.support.spreadsheet import safe

_ROW_GROUP = 4096


PathOf = Callable[[str], Sequence[str]]


def record(entry: Entry, made: Made, path_of: PathOf | None = None) -> dict[str, Any]:
    """The record of one photo, as the command line's contract fixes it, and size (bytes), mtime
    (seconds since 1970) and the version of zsl with it.

    path_of: gives the names from the root of the hierarchy down to the label of an id, which
        then are in the record too, as each label's ``path``.
    """
    found: dict[str, Any] = {"path": entry.path}
    if entry.failure is not None:
        found["error"] = entry.failure._asdict()
    else:
        found["labels"] = [{**label._asdict(),
                            **({"path": list(path_of(label.id))} if path_of else {})}
                           for label in entry.labels]
    return {**found, "size": entry.size, "mtime": entry.mtime, "model": made.model,
            "vocabulary": made.vocabulary, "version": entry.version}


def json_line(entry: Entry, made: Made, path_of: PathOf | None = None) -> bytes:
    """The record as a line of JSON; bytes of a path that are not UTF-8 become ``\\udcXX``."""
    line = json.dumps(record(entry, made, path_of), ensure_ascii=False)
    return line.encode("utf-8", "backslashreplace") + b"\n"


def write_jsonl(file: BinaryIO, entries: Iterable[Entry], made: Made,
                path_of: PathOf | None = None) -> None:
    """A JSON record a line."""
    for entry in entries:
        file.write(json_line(entry, made, path_of))


def write_csv(file: BinaryIO, entries: Iterable[Entry], made: Made,
              path_of: PathOf | None = None) -> None:
    """A row a label, and one for a photo without; with ``path_of`` a column more, the last.

    What a spreadsheet would run as a formula gets an apostrophe before it (see ``spreadsheet``).
    Bytes of a path that are not UTF-8 stay as they are.
    """
    text = io.TextIOWrapper(file, "utf-8", "surrogateescape", newline="")
    rows = csv.writer(text)
    rows.writerow(("path", "rank", "id", "label", "score", "error", "error_kind", "size", "mtime",
                   "model", "vocabulary", "version", *(["label_path"] if path_of else [])))
    for entry in entries:
        kind, message = entry.failure or ("", "")
        rest = (safe(message), kind, entry.size, entry.mtime, safe(made.model),
                safe(made.vocabulary), entry.version)
        path = safe(entry.path)
        if not entry.labels:
            rows.writerow((path, "", "", "", "", *rest, *([""] if path_of else [])))
        for rank, (id_, label, score) in enumerate(entry.labels, start=1):
            rows.writerow((path, rank, safe(id_), safe(label), f"{score:.6f}", *rest,
                           *([safe(" > ".join(path_of(id_)))] if path_of else [])))
    text.flush()
    text.detach()  # the caller closes the file


def write_parquet(file: BinaryIO, entries: Iterable[Entry], made: Made,
                  path_of: PathOf | None = None) -> None:
    """A row a photo, its labels as a list of {id, label, score}, with ``path_of`` path too.

    Bytes of a path that are not UTF-8 become ``\\udcXX``, since Parquet's text is UTF-8.
    """
    arrow, parquet = _pyarrow()
    name = arrow.dictionary(arrow.int32(), arrow.string())
    label = arrow.struct([("id", arrow.string()), ("label", arrow.string()),
                          ("score", arrow.float32()),
                          *([("path", arrow.list_(arrow.string()))] if path_of else [])])
    schema = arrow.schema([
        ("path", arrow.string()), ("labels", arrow.list_(label)),
        ("error", arrow.struct([("kind", arrow.string()), ("message", arrow.string())])),
        ("size", arrow.int64()), ("mtime", arrow.timestamp("us", tz="UTC")),
        ("model", name), ("vocabulary", name), ("version", name)])
    entries = iter(entries)
    with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        while rows := [_parquet_row(entry, made, path_of) for entry in islice(entries, _ROW_GROUP)]:
            writer.write_table(arrow.Table.from_pylist(rows, schema))


def _parquet_row(entry: Entry, made: Made, path_of: PathOf | None) -> dict[str, Any]:
    row = record(entry, made, path_of)
    row["path"] = entry.path.encode("utf-8", "backslashreplace").decode()
    row["mtime"] = None if entry.mtime is None else round(entry.mtime * 1e6)
    return row


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise MissingExtraError("pyarrow", "parquet", "Parquet") from error
    return pyarrow, parquet


Write = Callable[[BinaryIO, Iterable[Entry], Made, PathOf | None], None]
FORMATS: dict[str, Write] = {"jsonl": write_jsonl, "csv": write_csv, "parquet": write_parquet}
_SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet",
             ".pq": "parquet"}


def format_of(path: str, chosen: str | None) -> str:
    """The key of FORMATS that was chosen, or that a file's name tells.

    Raises ZslError when the name tells nothing, MissingExtraError when Parquet can't be written.
    """
    found = chosen or _SUFFIXES.get(os.path.splitext(path)[1].lower())
    if found is None:
        raise ZslError(f"{path}: its name tells no format; call it .jsonl, .csv or .parquet, or "
                       "give --format")
    if found == "parquet":
        _pyarrow()
    return found
