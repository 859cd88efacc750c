"""Manifests: Parquet and JSONL files with a column of paths, or of the bytes of images."""

import base64
import binascii
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zsl_cli.errors import ImageError, RequestError
from zsl_cli.photos.cluster.chunks import Located
from zsl_cli.photos.cluster.stored_photo import BytesPhoto
from zsl_cli.support import extras
from zsl_cli.support.wording import listed, reason

if TYPE_CHECKING:
    from zsl_cli.photos.cluster.stores import Store, Stored

PARQUET = (".parquet", ".pq")
JSONL = (".jsonl", ".ndjson")
SUFFIXES = (*PARQUET, *JSONL)
"""What manifests are called."""

PATHS = ("path", "file", "file_name", "filename", "filepath", "image_path", "url", "uri")
BYTES = ("bytes", "image", "image_bytes", "content", "jpg", "jpeg", "png", "webp")
"""Columns that are looked for, in this order, those of paths first."""

_AT_ONCE = 64  # rows
_LINE = 1 << 28  # bytes, with an image in them

Row = str | ImageError
"""The path that a row of a manifest has, or why it has none."""


@dataclass(frozen=True)
class Rows:
    """Rows of a Parquet file that have the bytes of images.

    store: the file itself; path: as it was given; size, mtime: by which it is told from what it
    becomes. group: the row group; first, number: the rows of it; before: rows of those before it.
    column: that of the bytes, or of {bytes, path}; named: that of paths, if there is one.
    """

    store: "Store"
    path: str
    size: int
    mtime: int | None
    group: int
    first: int
    number: int
    before: int
    column: str
    named: str | None

    def __len__(self) -> int:
        return self.number

    def identity(self) -> list[Any]:
        """See Photos."""
        return ["rows", self.store.full(""), self.path, self.size, self.mtime, self.group,
                self.first, self.number, self.column, self.named]

    def located(self, max_pixels: int) -> Iterator[Located]:
        """See Photos."""
        columns = [self.column, *([self.named] if self.named else [])]
        arrow = _pyarrow()
        try:
            yield from self._rows(columns, max_pixels)
        except (arrow.ArrowException, OSError) as error:
            yield f"{self.path}#{self.before + self.first}", ImageError(
                f"rows from here on are damaged ({reason(error)})", "file")

    def _rows(self, columns: "list[str]", max_pixels: int) -> Iterator[Located]:
        at = 0
        with self.store.open() as file:
            parquet = _opened(file, self.path)
            for batch in parquet.iter_batches(_AT_ONCE, row_groups=[self.group], columns=columns):
                if at + len(batch) > self.first and at < self.first + self.number:
                    for row in batch.to_pylist():
                        if self.first <= at < self.first + self.number:
                            yield self._located(row, self.before + at, max_pixels)
                        at += 1
                else:
                    at += len(batch)

    def _located(self, row: dict[str, Any], at: int, max_pixels: int) -> Located:
        value = row[self.column]
        name = row[self.named] if self.named else None
        if isinstance(value, dict):
            name = name or value.get("path")
            value = value.get("bytes")
        path = name or f"{self.path}#{at}"
        if not isinstance(value, bytes):
            return path, ImageError("there is no image in this row", "missing")
        return path, BytesPhoto(path, value, max_pixels=max_pixels)


@dataclass(frozen=True)
class Lines:
    """Lines of a JSONL file that have the bytes of images in base64.

    start: the offset of the first line; before: lines before it. Else as Rows.
    """

    store: "Store"
    path: str
    size: int
    mtime: int | None
    start: int
    number: int
    before: int
    column: str

    def __len__(self) -> int:
        return self.number

    def identity(self) -> list[Any]:
        """See Photos."""
        return ["lines", self.store.full(""), self.path, self.size, self.mtime, self.start,
                self.number, self.column]

    def located(self, max_pixels: int) -> Iterator[Located]:
        """See Photos."""
        with self.store.open() as file:
            file.seek(self.start)
            lines = _lines(file)
            for at in range(self.before, self.before + self.number):
                yield self._located(next(lines, b""), at, max_pixels)

    def _located(self, line: bytes, at: int, max_pixels: int) -> Located:
        path = f"{self.path}#{at}"
        try:
            entries = _object(line)
            path = next((entries[name] for name in PATHS
                         if isinstance(entries.get(name), str)), path)
            data = base64.b64decode(entries[self.column], validate=True)
        except (ValueError, KeyError, TypeError):
            return path, ImageError(f"{self.column} of this line is no image in base64", "missing")
        return path, BytesPhoto(path, data, max_pixels=max_pixels)


def rows(store: "Store", stored: "Stored", path: str, column: str | None,
         most: int) -> "Iterator[Row | Rows | Lines]":
    """The paths that a manifest has, or its rows with bytes, up to ``most`` at a time.

    store: the manifest itself; stored: what is known of it; path: as it was given.

    Raises RequestError for what is no manifest, or has no such column; StoreError.
    """
    if path.lower().endswith(PARQUET):
        yield from _of_parquet(store, stored, path, column, most)
    else:
        yield from _of_jsonl(store, stored, path, column, most)


def _of_parquet(store: "Store", stored: "Stored", path: str, column: str | None,
                most: int) -> "Iterator[Row | Rows]":
    arrow = _pyarrow()
    with store.open() as file:
        parquet = _opened(file, path)
        schema = parquet.schema_arrow
        chosen = _chosen(column, schema.names, path)
        kind = schema.field(chosen).type
        if arrow.types.is_dictionary(kind):
            kind = kind.value_type
        if _is_text(arrow, kind):
            at = 0
            for batch in parquet.iter_batches(4096, columns=[chosen]):
                for value in batch.column(0).to_pylist():
                    yield value or ImageError(f"{path}#{at}: no path in this row", "missing")
                    at += 1
            return
        names = [field.name for field in kind] if arrow.types.is_struct(kind) else []
        if not (_is_binary(arrow, kind) or ("bytes" in names and _is_binary(
                arrow, kind.field("bytes").type))):
            raise RequestError(f"{path}: the column {chosen} has neither paths nor the bytes of "
                               f"images, but {kind}; name another one with `column`")
        named = next((name for name in PATHS if name in schema.names and _is_text(
            arrow, schema.field(name).type)), None)
        before = 0
        for group in range(parquet.num_row_groups):
            number = parquet.metadata.row_group(group).num_rows
            for first in range(0, number, most):
                yield Rows(store, path, stored.size, stored.mtime, group, first,
                           min(most, number - first), before, chosen, named)
            before += number


def _is_text(arrow: Any, kind: Any) -> bool:
    return arrow.types.is_string(kind) or arrow.types.is_large_string(kind)


def _is_binary(arrow: Any, kind: Any) -> bool:
    return arrow.types.is_binary(kind) or arrow.types.is_large_binary(kind)


def _of_jsonl(store: "Store", stored: "Stored", path: str, column: str | None,
              most: int) -> "Iterator[Row | Lines]":
    start = number = before = offset = 0
    with store.open() as file:
        chosen, is_bytes = column, False
        for at, line in enumerate(_lines(file)):
            if at == 0:
                try:
                    first = _object(line)
                except ValueError as error:
                    raise RequestError(f"{path}: its first line is no JSON object; a manifest has "
                                       "one a line") from error
                chosen = _chosen(column, list(first), path)
                is_bytes = _is_base64(first[chosen], by_name=chosen in BYTES)
            assert chosen is not None
            if is_bytes:
                if number == most:
                    yield Lines(store, path, stored.size, stored.mtime, start, number, before,
                                chosen)
                    start, before, number = offset, at, 0
                number += 1
            else:
                yield _path_in(line, chosen, f"{path}#{at}")
            offset += len(line)
        if number and chosen is not None:
            yield Lines(store, path, stored.size, stored.mtime, start, number, before, chosen)


def _lines(file: Any) -> Iterator[bytes]:
    """Lines with their ends; Arrow's files of a store have no ``readline`` that is quick."""
    rest = b""
    while chunk := file.read(1 << 20):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line + b"\n" for line in whole)
        if len(rest) > _LINE:
            raise RequestError(f"a line of more than {_LINE:,} bytes: this is no manifest")
    if rest:
        yield rest


def _object(line: bytes) -> dict[str, Any]:
    try:
        entries = json.loads(line)
    except RecursionError as error:
        raise ValueError("no object") from error
    if not isinstance(entries, dict):
        raise ValueError("no object")
    return entries


def _path_in(line: bytes, column: str, place: str) -> Row:
    try:
        value = _object(line).get(column)
    except ValueError:
        return ImageError(f"{place}: this line is no JSON object", "missing")
    return value if isinstance(value, str) and value else ImageError(
        f"{place}: no {column} in this line", "missing")


def _is_base64(value: object, *, by_name: bool) -> bool:
    """Whether a text is an image in base64 and not a path."""
    if not isinstance(value, str):
        return False
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return by_name or len(data) > 256


def _chosen(column: str | None, names: "list[str]", path: str) -> str:
    if column is not None:
        if column not in names:
            raise RequestError(f"{path} has no column {column}; it has {listed(names)}")
        return column
    for name in (*PATHS, *BYTES):
        if name in names:
            return name
    raise RequestError(f"{path}: none of its columns is known to have paths or the bytes of "
                       f"images; name it with `column`: {listed(names)}")


def _opened(file: Any, path: str) -> Any:
    arrow = _pyarrow()
    from pyarrow import parquet

    try:
        return parquet.ParquetFile(file)
    except (arrow.ArrowException, OSError, ValueError) as error:
        raise RequestError(f"{path}: no Parquet file that can be read ({reason(error)})"
                           ) from error


def _pyarrow() -> Any:
    with extras.needed("parquet", "a Parquet manifest"):
        import pyarrow
    return pyarrow
