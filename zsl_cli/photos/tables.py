"""The records of a library as JSONL, CSV or Parquet."""

import codecs
import os
from collections.abc import Iterable
from itertools import islice
from typing import Any, BinaryIO, Protocol

from zsl_cli.classifier import predictions
from zsl_cli.classifier.predictions import PathOf
from zsl_cli.errors import ZslError
from zsl_cli.photos.entry import Entry, Provenance
from zsl_cli.support import extras
from zsl_cli.support.limits import TABLE_FORMATS
from zsl_cli.support.spreadsheet import to_csv

COMPRESSION = "zstd"
_ROW_GROUP = 4096


def _facts(entry: Entry, provenance: Provenance) -> dict[str, Any]:
    """What a record of the library has beside the prediction: size (bytes), mtime (seconds since
    1970), and what labelled it."""
    return {"size": entry.size, "mtime": entry.mtime, "model": provenance.model,
            "vocabulary": provenance.vocabulary, "version": provenance.version}


def json_line(entry: Entry, provenance: Provenance, path_of: PathOf | None = None) -> bytes:
    """The record of one photo as a line of JSON."""
    record = predictions.record(entry, _facts(entry, provenance), path_of)
    return predictions.to_json(record) + b"\n"


def write_jsonl(file: BinaryIO, entries: Iterable[Entry], provenance: Provenance,
                path_of: PathOf | None = None, *, keywords: bool = False) -> None:
    """A JSON record a line; each entry tells whether it has ``keywords``."""
    for entry in entries:
        file.write(json_line(entry, provenance, path_of))


def write_csv(file: BinaryIO, entries: Iterable[Entry], provenance: Provenance,
              path_of: PathOf | None = None, *, keywords: bool = False) -> None:
    """A row a label, and one for a photo without (see predictions.csv_lines). Bytes of a path that
    are not UTF-8 become ``\\udcXX``."""
    header = predictions.csv_header(
        ("error_kind", "size", "mtime", "model", "vocabulary", "version"),
        paths=path_of is not None, keywords=keywords)
    file.write(to_csv([header]).encode())
    for entry in entries:
        facts = (entry.error.kind if entry.error else "", *_facts(entry, provenance).values())
        lines = predictions.csv_lines(entry, facts, path_of, keywords=keywords)
        file.write(lines.encode("utf-8", "backslashreplace"))


def write_excel(file: BinaryIO, entries: Iterable[Entry], provenance: Provenance,
                path_of: PathOf | None = None, *, keywords: bool = False) -> None:
    """The CSV with a byte-order mark before it, without which Excel shows every accent wrong; a
    program would take the mark for a part of the first column's name."""
    file.write(codecs.BOM_UTF8)
    write_csv(file, entries, provenance, path_of, keywords=keywords)


def write_parquet(file: BinaryIO, entries: Iterable[Entry], provenance: Provenance,
                  path_of: PathOf | None = None, *, keywords: bool = False) -> None:
    """A row a photo, its labels as a list of {id, label, score}, with ``path_of`` path too; with
    ``keywords`` labels have a confidence, and there is a list of {id, label, confidence}.

    Bytes of a path that are not UTF-8 become ``\\udcXX``, since Parquet's text is UTF-8.
    """
    arrow, parquet = _pyarrow()
    schema = parquet_schema(paths=path_of is not None, keywords=keywords)
    entries = iter(entries)
    with parquet.ParquetWriter(file, schema, compression=COMPRESSION) as writer:
        while rows := [parquet_row(entry, provenance, path_of)
                       for entry in islice(entries, _ROW_GROUP)]:
            writer.write_table(arrow.Table.from_pylist(rows, schema))


def parquet_schema(*, paths: bool = False, keywords: bool = False) -> Any:
    """The schema of ``write_parquet``, a pyarrow.Schema. paths: whether labels have theirs."""
    arrow, _ = _pyarrow()
    name = arrow.dictionary(arrow.int32(), arrow.string())
    called = ("id", arrow.string()), ("label", arrow.string())
    sure = "confidence", arrow.float32()
    label = arrow.struct([*called, ("score", arrow.float32()), *([sure] if keywords else []),
                          *([("path", arrow.list_(arrow.string()))] if paths else [])])
    return arrow.schema([
        ("path", arrow.string()), ("labels", arrow.list_(label)),
        *([("keywords", arrow.list_(arrow.struct([*called, sure])))] if keywords else []),
        ("error", arrow.struct([("kind", arrow.string()), ("message", arrow.string())])),
        ("size", arrow.int64()), ("mtime", arrow.timestamp("us", tz="UTC")),
        ("model", name), ("vocabulary", name), ("version", name)])


def parquet_row(entry: Entry, provenance: Provenance, path_of: PathOf | None) -> dict[str, Any]:
    """The row of one photo, for ``parquet_schema``."""
    row = predictions.record(entry, _facts(entry, provenance), path_of)
    row["path"] = written_path(entry.path)
    row["mtime"] = microseconds(entry.mtime)
    return row


def written_path(path: str) -> str:
    """A path as Parquet has it."""
    return path.encode("utf-8", "backslashreplace").decode()


def microseconds(mtime: float | None) -> int | None:
    """The mtime of an entry as Parquet has it."""
    return None if mtime is None else round(mtime * 1e6)


def _pyarrow() -> tuple[Any, Any]:
    with extras.needed("parquet", "Parquet"):
        import pyarrow
        from pyarrow import parquet
    return pyarrow, parquet


class Write(Protocol):
    """Writes entries into a file in one format."""

    def __call__(self, file: BinaryIO, entries: Iterable[Entry], provenance: Provenance,
                 path_of: PathOf | None = None, *, keywords: bool = False) -> None:
        """path_of: see predictions.record. keywords: whether the entries have any."""


FORMATS: dict[str, Write] = dict(zip(
    TABLE_FORMATS, (write_jsonl, write_csv, write_excel, write_parquet), strict=True))
_SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".parquet": "parquet",
             ".pq": "parquet"}


def format_of(path: str, chosen: str | None) -> str:
    """The key of FORMATS that was chosen, or that a file's name tells.

    Raises ZslError when the name tells nothing, MissingExtraError when Parquet can't be written.
    """
    name = chosen or _SUFFIXES.get(os.path.splitext(path)[1].lower())
    if name is None:
        raise ZslError(f"{path}: its name tells no format; call it .jsonl, .csv or .parquet, or "
                       "give `output_format`")
    if name == "parquet":
        _pyarrow()
    return name
