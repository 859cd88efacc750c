"""ONNX files with the files that hold their weights: read as they were published, and written as
one file, or beside one more where one file would be too large."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO

from zsl_cli.authoring.exporting.onnx_files import graphs_of
from zsl_cli.authoring.importing import weights_aside
from zsl_cli.authoring.importing.weights_aside import Span
from zsl_cli.authoring.networks import file_kinds
from zsl_cli.embedding.graphs import Graph, vet
from zsl_cli.errors import ZslError
from zsl_cli.support.wording import listed, printable, reason, shown

if TYPE_CHECKING:
    import onnx

MOST_BYTES = 1_900_000_000  # protobuf's limit is 2 GiB, and a graph is more than its weights
_ALIGNED = 4096
_STANDARD = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
_PICKLES = (b"\x80\x02", b"\x80\x04", b"PK\x03\x04")


def read(path: Path) -> "onnx.ModelProto":
    """The graph in a file; its weights stay where they are. Raises ZslError for what is no
    ONNX model, for one with operators of its own makers', and one that need not end."""
    from google.protobuf.message import DecodeError

    file_kinds.refuse_pointer(path)
    try:
        with path.open("rb") as file:
            head = file.read(64)
        if not head or head.startswith(_PICKLES):
            raise ZslError(f"{path}: " + ("empty" if not head else
                           "a PyTorch file, no ONNX model; zsl export takes those"))
        model = weights_aside.read(path)
    except OSError as error:
        raise ZslError(f"{path}: {error.strerror}") from error
    except (DecodeError, ValueError) as error:
        raise ZslError(f"{path}: no ONNX model, or one that is cut off ({reason(error)})"
                       ) from error
    if not model.graph.node:
        raise ZslError(f"{path}: no ONNX model: no operator in it")
    own = {function.domain for function in model.functions}
    if strange := sorted({opset.domain for opset in model.opset_import} - _STANDARD - own):
        raise ZslError(f"{path}: it has operators of {printable(listed(strange))}, which would "
                       "need code of the model's own, and zsl runs none")
    vet(model.SerializeToString(), path)
    for name in {_entry(tensor, "location") for tensor in _external(model)} - {path.name}:
        _check_location(name, path)
    return model


def locations(path: Path) -> list[str]:
    """The other files that a graph's weights are in, from its folder. Raises ZslError as
    ``read``."""
    return sorted({_entry(tensor, "location") for tensor in _external(read(path))} - {path.name})


def as_published(path: Path, model: "onnx.ModelProto | None" = None) -> Graph | Path:
    """The file as a session takes it, its weights in the places that ``read`` has looked at; or
    what is left in ``model`` of what was read from it."""
    there = read(path) if model is None else model
    names = {_entry(tensor, "location"): _span(tensor, path).path for tensor in _external(there)}
    if model is None and not {*names} - {path.name}:
        return path
    return Graph(path, there.SerializeToString(),
                 {name: place.read_bytes() for name, place in sorted(names.items())})


def write(model: "onnx.ModelProto", source: Path, target: Path) -> None:
    """Write a graph that was read from ``source``, beside it a file with its weights where they
    are too many for one. The model loses its graph. Raises ZslError for weights that are not all
    there."""
    from onnx import TensorProto

    spans = [_span(tensor, source) for tensor in _external(model)]
    if sum(span.length for span in spans) + _embedded(model) > MOST_BYTES:
        data = target.with_name(target.name + "_data")
        with data.open("wb") as file:
            for tensor in _external(model):
                _move(tensor, source, file, data.name)
        target.write_bytes(model.SerializeToString())
        return
    initializers = model.graph.initializer
    aside = [at for at, one in enumerate(initializers)
             if one.data_location == TensorProto.EXTERNAL]
    weights = [(TensorProto.FromString(initializers[at].SerializeToString()),
                _span(initializers[at], source)) for at in aside]
    for at in reversed(aside):
        del initializers[at]
    for tensor in _external(model):  # of nodes
        _take_in(tensor, source)
    weights_aside.write(model, weights, target)


def _embedded(model: "onnx.ModelProto") -> int:
    return sum(len(tensor.raw_data) for tensor in model.graph.initializer)


def _external(model: "onnx.ModelProto") -> Iterator["onnx.TensorProto"]:
    """The tensors that lie in other files, in graphs within graphs, too."""
    from onnx import TensorProto

    for graph in graphs_of(model.graph):
        tensors = [*graph.initializer]
        for node in graph.node:
            for attribute in node.attribute:
                tensors += [*([attribute.t] if attribute.HasField("t") else []),
                            *attribute.tensors]
        yield from (one for one in tensors if one.data_location == TensorProto.EXTERNAL)


def _entry(tensor: "onnx.TensorProto", key: str) -> str:
    return next((entry.value for entry in tensor.external_data if entry.key == key), "")


def _check_location(location: str, path: Path) -> None:
    """Raise ZslError for weights that are to lie elsewhere than beside the graph or below."""
    name = PurePosixPath(location)
    if not location or name.is_absolute() or ".." in name.parts or (
            {*location} & {"\\", ":", "\0"}):
        raise ZslError(f"{path}: its weights are to be in {shown(repr(location))}, which does not "
                       "lie beside it")


def _place(tensor: "onnx.TensorProto", path: Path) -> Path:
    """The file with a tensor's weights. Raises ZslError."""
    location = _entry(tensor, "location")
    place = path.parent / location
    if not place.is_file():
        raise ZslError(f"{path}: its weights are in {printable(location)}, which is not there; "
                       "fetch that file, too")
    return place


def _span(tensor: "onnx.TensorProto", source: Path) -> Span:
    """Where a tensor's bytes are. Raises ZslError."""
    place = _place(tensor, source)
    there = place.stat().st_size
    try:
        offset = int(_entry(tensor, "offset") or 0)
        length = int(_entry(tensor, "length") or there - offset)
    except ValueError:
        offset = length = -1
    if min(offset, length) < 0 or offset + length > there:
        raise ZslError(f"{place}: cut off: {printable(tensor.name)} is to be in it and is not")
    return Span(place, offset, length)


def _take_in(tensor: "onnx.TensorProto", source: Path) -> None:
    place, offset, length = _span(tensor, source)
    with place.open("rb") as file:
        file.seek(offset)
        tensor.raw_data = file.read(length)
    del tensor.external_data[:]
    tensor.ClearField("data_location")


def _move(tensor: "onnx.TensorProto", source: Path, target: BinaryIO, name: str) -> None:
    """A tensor's bytes to the end of another file."""
    span = _span(tensor, source)
    target.write(bytes(-target.tell() % _ALIGNED))
    start = target.tell()
    weights_aside.copy(span, target)
    del tensor.external_data[:]
    for key, value in (("location", name), ("offset", start), ("length", span.length)):
        tensor.external_data.add(key=key, value=str(value))
