"""ONNX files whose weights stay where they are: a graph of 2 GB is read, changed and written again
without them in memory.

What is read and written of the format by hand: https://protobuf.dev/programming-guides/encoding
and https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

if TYPE_CHECKING:
    import onnx

_LARGE = 1 << 15  # bytes of a tensor; a smaller one, such as an index, is kept
_GRAPH, _INITIALIZER, _RAW = 7, 5, 9  # of a model, of a graph, of a tensor
_BYTES = 2  # the wire type of messages, texts and bytes
_CHUNK = 1 << 22


class _Field(NamedTuple):
    """A field of a message: its number, where it begins, and where its bytes are."""

    number: int
    start: int
    first: int
    end: int


class Span(NamedTuple):
    """Some bytes of a file."""

    path: Path
    offset: int
    length: int


def read(path: Path) -> "onnx.ModelProto":
    """The model in a file, its large initializers as external data of that very file. Raises
    ValueError for what is no message, OSError, and protobuf's DecodeError."""
    from onnx import ModelProto

    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        parts = [_message(_GRAPH, _without_weights(content, field, path.name))
                 if field.number == _GRAPH else content[field.start:field.end]
                 for field in _fields(content, 0, len(content))]
        return ModelProto.FromString(b"".join(parts))


def write(model: "onnx.ModelProto", weights: Sequence[tuple["onnx.TensorProto", Span]],
          target: Path) -> None:
    """Write a model as one file, with the weights that are to go into its graph. The model loses
    its graph. Raises OSError."""
    graph = model.graph.SerializeToString()
    model.ClearField("graph")
    heads = [_head(tensor, span.length) for tensor, span in weights]
    length = len(graph) + sum(len(head) + span.length
                              for head, (_, span) in zip(heads, weights, strict=True))
    with target.open("wb") as file:
        file.write(model.SerializeToString() + _key(_GRAPH) + _varint(length) + graph)
        for head, (_, span) in zip(heads, weights, strict=True):
            file.write(head)
            copy(span, file)


def copy(span: Span, target: BinaryIO) -> None:
    """Some bytes of a file to where another one stands."""
    with span.path.open("rb") as file:
        file.seek(span.offset)
        left = span.length
        while left and (part := file.read(min(_CHUNK, left))):
            target.write(part)
            left -= len(part)


def _head(tensor: "onnx.TensorProto", length: int) -> bytes:
    """An initializer up to its bytes."""
    from onnx import TensorProto

    bare = TensorProto()
    bare.CopyFrom(tensor)
    del bare.external_data[:]
    bare.ClearField("data_location")
    start = bare.SerializeToString() + _key(_RAW) + _varint(length)
    return _key(_INITIALIZER) + _varint(len(start) + length) + start


def _without_weights(content: "mmap.mmap", graph: _Field, name: str) -> bytes:
    """A graph whose large initializers are said to lie in this very file."""
    from onnx import TensorProto

    parts: list[bytes] = []
    for field in _fields(content, graph.first, graph.end):
        raw = None
        if field.number == _INITIALIZER and field.end - field.first > _LARGE:
            inner = list(_fields(content, field.first, field.end))
            raw = next((one for one in inner if one.number == _RAW
                        and one.end - one.first > _LARGE), None)
        if raw is None:
            parts.append(content[field.start:field.end])
            continue
        tensor = TensorProto.FromString(content[field.first:raw.start]
                                        + content[raw.end:field.end])
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", name), ("offset", raw.first),
                           ("length", raw.end - raw.first)):
            tensor.external_data.add(key=key, value=str(value))
        parts.append(_message(_INITIALIZER, tensor.SerializeToString()))
    return b"".join(parts)


def _fields(content: "mmap.mmap", at: int, end: int) -> Iterator[_Field]:
    while at < end:
        start = at
        tag, at = _number(content, at)
        if tag & 7 == _BYTES:
            length, at = _number(content, at)
        elif tag & 7 == 0:
            first = at
            _, at = _number(content, at)
            length, at = at - first, first
        elif tag & 7 in (1, 5):
            length = 8 if tag & 7 == 1 else 4
        else:
            raise ValueError("no message of protobuf")
        if at + length > end:
            raise ValueError("cut off")
        yield _Field(tag >> 3, start, at, at + length)
        at += length


def _number(content: "mmap.mmap", at: int) -> tuple[int, int]:
    """A number of variable length, and where it ends."""
    number = shift = 0
    while shift < 70:
        if at >= len(content):
            raise ValueError("cut off")
        byte = content[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7
    raise ValueError("too long a number")


def _varint(number: int) -> bytes:
    parts = []
    while number > 127:
        parts.append(number & 127 | 128)
        number >>= 7
    return bytes([*parts, number])


def _key(field: int) -> bytes:
    return _varint(field << 3 | _BYTES)


def _message(field: int, content: bytes) -> bytes:
    return _key(field) + _varint(len(content)) + content
