"""A part: the records of some images as one Parquet file, written in one step.

Its columns are those of ``tables.write_parquet``; with embeddings, five more: all that a catalogue
has to know of a photo to do without reading it. The same images give the same bytes, so that a part
that is written twice is written once.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zsl_cli.errors import ImageError
from zsl_cli.photos import tables
from zsl_cli.photos.capture import Capture
from zsl_cli.photos.cluster.runs import PART_NAME, PartInfo, Run, RunError
from zsl_cli.support import extras

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zsl_cli.classifier.predictions import PathOf
    from zsl_cli.photos.cluster.stores import Store, Stored
    from zsl_cli.photos.entry import Entry, Provenance

RUN_KEY = b"zsl.run"
"""Under which a part has the digest of its run, in the schema's metadata."""
_OF_A_FILE = ("path", "size", "mtime", "error")  # that a catalogue needs of the records
_MOST_ROWS = 1 << 16
_MOST_BYTES = 1 << 30  # of a part, as it is stored and as it is read


def part_name(digest: str) -> str:
    """What the part of a chunk is called, after the chunk's digest: ``part-….parquet``."""
    return f"part-{digest}.parquet"


@dataclass(frozen=True)
class Seen:
    """What a part with embeddings has of a photo beside its entry: float16 ``[D]``, the CRC-32 of
    the file (see photo.checksum), when and where it was taken."""

    embedding: "NDArray[np.float16]"
    crc: int | None = None
    capture: Capture = field(default_factory=Capture)


@dataclass(frozen=True)
class PartPhoto:
    """A photo of a part. mtime: in microseconds since 1970. error: why it has no embedding."""

    path: str
    size: int | None
    mtime: int | None
    error: ImageError | None
    seen: Seen | None


def write_part(store: "Store", name: str, entries: "Sequence[Entry]", provenance: "Provenance",
               run: Run, *, path_of: "PathOf | None" = None, keywords: bool = False,
               seen: "Sequence[Seen | None] | None" = None) -> PartInfo:
    """Write a part; see ``part_bytes``. Raises StoreError."""
    data = part_bytes(entries, provenance, run, path_of=path_of, keywords=keywords, seen=seen)
    store.write(name, data)
    return PartInfo(name, len(entries), sum(one.error is not None for one in entries), len(data))


def part_bytes(entries: "Sequence[Entry]", provenance: "Provenance", run: Run, *,
               path_of: "PathOf | None" = None, keywords: bool = False,
               seen: "Sequence[Seen | None] | None" = None) -> bytes:
    """The Parquet file of some entries.

    path_of, keywords: see tables.write_parquet. seen: of each entry, where the run has embeddings;
        None for one that failed.
    """
    arrow, parquet = _pyarrow()
    schema = _schema(run, paths=path_of is not None, keywords=keywords)
    plain = tables.parquet_schema(paths=path_of is not None, keywords=keywords)
    table = arrow.Table.from_pylist(
        [tables.parquet_row(entry, provenance, path_of) for entry in entries], plain)
    columns = list(table.itercolumns())
    if run.embeddings:
        columns += _seen_columns(seen or [None] * len(entries), run.dimension)
    file = io.BytesIO()
    with parquet.ParquetWriter(file, schema, compression=tables.COMPRESSION,
                               write_page_checksum=True) as writer:
        writer.write_table(arrow.Table.from_arrays(columns, schema=schema))
    return file.getvalue()


def _schema(run: Run, *, paths: bool, keywords: bool) -> Any:
    arrow, _ = _pyarrow()
    schema = tables.parquet_schema(paths=paths, keywords=keywords)
    if run.embeddings:
        for name, kind in _seen_fields():
            schema = schema.append(arrow.field(name, kind))
    return schema.with_metadata({RUN_KEY: run.digest.encode()})


def _seen_fields() -> list[tuple[str, Any]]:
    """The columns behind the records. Embeddings are lists of no fixed size, since Arrow before 18
    reads no such list that is null."""
    arrow, _ = _pyarrow()
    return [("crc", arrow.uint32()), ("taken", arrow.string()), ("latitude", arrow.float64()),
            ("longitude", arrow.float64()), ("embedding", arrow.list_(arrow.float16()))]


def _seen_columns(seen: "Sequence[Seen | None]", dimension: int) -> list[Any]:
    import numpy as np

    arrow, _ = _pyarrow()
    *plain, (_, _) = _seen_fields()
    values = [[one and one.crc for one in seen],
              *([one and getattr(one.capture, name) for one in seen]
                for name, _ in plain[1:])]
    there = [one.embedding for one in seen if one is not None]
    ends = np.cumsum([0, *(dimension * (one is not None) for one in seen)]).astype(np.int32)
    embeddings = arrow.ListArray.from_arrays(
        arrow.array(ends), arrow.array(np.concatenate([*there, np.empty(0, np.float16)])),
        mask=arrow.array([one is None for one in seen], arrow.bool_()))
    return [*(arrow.array(column, kind) for column, (_, kind) in zip(values, plain, strict=True)),
            embeddings]


def finished(store: "Store") -> "dict[str, Stored]":
    """The parts that are there, by their names. Each is whole, since it appeared in one step.
    Raises StoreError."""
    return {one.name: one for one in store.files()
            if PART_NAME.fullmatch(one.name) and one.size > 0}


def read_part(store: "Store", name: str, run: Run, columns: "Sequence[str] | None" = None) -> Any:
    """A part as a pyarrow.Table, of some columns or all. Raises StoreError, and RunError for one
    that is damaged or another run's."""
    arrow, parquet = _pyarrow()
    data = store.read(name, most=_MOST_BYTES)
    try:
        file = parquet.ParquetFile(arrow.BufferReader(data),
                                   page_checksum_verification=True)
        about = file.metadata
        bytes_ = sum(about.row_group(at).total_byte_size for at in range(about.num_row_groups))
        if about.num_rows > _MOST_ROWS or bytes_ > _MOST_BYTES:
            raise _no_part(store, name, f"{about.num_rows:,} rows, {bytes_:,} bytes")
        if (file.schema_arrow.metadata or {}).get(RUN_KEY) != run.digest.encode():
            raise _no_part(store, name, "it was written by another run")
        table = file.read(columns=None if columns is None else list(columns))
        table.validate(full=True)
        return table
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise _no_part(store, name, f"it is damaged ({error})"[:200]) from error


def photos_of(store: "Store", name: str, run: Run) -> Iterator[PartPhoto]:
    """The photos of a part that has embeddings, in its order. Raises StoreError, RunError."""
    records = tables.parquet_schema()
    wanted = [*((column, records.field(column).type) for column in _OF_A_FILE),
              *_seen_fields()]
    table = read_part(store, name, run)
    for column, kind in wanted:
        if column not in table.column_names or table.schema.field(column).type != kind:
            raise _no_part(store, name, f"it has no column {column} of type {kind}")
    if table.column("path").null_count:
        raise _no_part(store, name, "it has photos without a path")
    column = table.column("embedding").combine_chunks()
    sizes = column.value_lengths().drop_null().to_numpy(zero_copy_only=False)
    values = column.flatten()
    if values.null_count or (sizes != run.dimension).any():
        raise _no_part(store, name, f"it has embeddings of other than {run.dimension} numbers")
    rows = iter(values.to_numpy(zero_copy_only=False).reshape(-1, run.dimension))
    there = column.is_valid().to_pylist()
    plain = table.select([column for column, _ in wanted[:-1]])
    plain = plain.set_column(2, "mtime", plain.column("mtime").cast("int64"))
    for place, row in enumerate(plain.to_pylist()):
        error = row["error"] and _error(row["error"])
        yield PartPhoto(row["path"], row["size"], row["mtime"], error, None if not there[place] else
                        Seen(next(rows), row["crc"],
                             Capture(row["taken"], row["latitude"], row["longitude"])))


def _error(one: "dict[str, Any]") -> ImageError:
    kind = one.get("kind")
    return ImageError(str(one.get("message") or "no reason is told"),
                      kind if kind in ImageError.KINDS else "image")


def _no_part(store: "Store", name: str, why: str) -> RunError:
    return RunError(f"{store.full(name)} is no part of this run: {why}; remove it, and run zsl "
                    "label again to have it made")


def _pyarrow() -> tuple[Any, Any]:
    with extras.needed("parquet", "a part"):
        import pyarrow
        from pyarrow import parquet
    return pyarrow, parquet
