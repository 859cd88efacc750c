"""The ONNX files of a model folder: read once, and looked through before ONNX Runtime runs them.

What was hashed is what is run: the bytes themselves go to ONNX Runtime, which opens no file. A
graph may keep weights in files beside it, but in those alone that the manifest lists. It may not
compute without end: loops, and functions that call one another until there are millions of nodes,
are refused. How much memory it takes is not looked at.

What is read of the format: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from zsl_cli.errors import FolderError
from zsl_cli.support import folders
from zsl_cli.support.manifests import Manifest
from zsl_cli.support.wording import listed, printable

_LOOPS = frozenset({"Loop", "Scan", "SequenceMap", "BeamSearch", "GreedySearch", "Sampling",
                    "WhisperBeamSearch"})
_MOST_NODES = 1_000_000

# What is looked into: the numbers of the fields that hold messages, and what these are.
_INNER = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "external"},
    "external": {}}
_NAMES = {  # the fields with texts that count: name and domain, key and value
    "node": (4, 7), "function": (1, 10), "external": (1, 2)}


_Name = tuple[str, str]
"""The domain and the name of an operator or a function."""

_ITSELF = "", ""
"""Stands for the graph among its functions."""


@dataclass(frozen=True)
class Graph:
    """An ONNX file and the files that its weights are in, as they were read."""

    path: Path
    content: bytes
    weights: Mapping[str, bytes] = field(default_factory=dict)


def read(folder: Path, name: str, manifest: Manifest) -> Graph:
    """A graph of a model folder, compared with its hash. Raises FolderError."""
    path = folder / name
    content = folders.read_file(folder, name, manifest)
    files = vet(content, path)
    if missing := sorted(files - {*manifest.files}):
        raise FolderError(f"{path}: it has weights in {printable(listed(missing, 3))}, which the "
                          "manifest does not list; export it as one file")
    return Graph(path, content, {file: folders.read_file(folder, file, manifest)
                                 for file in sorted(files)})


def vet(content: bytes, path: Path) -> set[str]:
    """The files that a graph has weights in. Raises FolderError for what is no ONNX model, or one
    that may compute without end."""
    try:
        found = _Found(content)
        nodes = found.nodes()
    except (ValueError, IndexError, RecursionError) as error:
        raise FolderError(f"{path}: ONNX Runtime cannot load it, since it is no ONNX model"
                          ) from error
    if loops := sorted(_LOOPS & found.operators):
        raise FolderError(f"{path}: it has {listed(loops)} in it, which need not end; export it "
                          "without loops")
    if nodes > _MOST_NODES:
        raise FolderError(f"{path}: its functions call one another until there are more than "
                          f"{_MOST_NODES:,} nodes")
    return found.files


class _Found:
    """What there is in a graph: its operators, and the files with its weights."""

    def __init__(self, content: bytes) -> None:
        self.operators: set[str] = set()
        self.files: set[str] = set()
        self._calls: dict[_Name, list[_Name]] = {_ITSELF: []}  # of each function
        self._content = content
        self._walk("model", 0, len(content), _ITSELF)

    def nodes(self) -> int:
        """How many there are once each call of a function is replaced by its nodes."""
        return self._size(_ITSELF, {})

    def _size(self, function: _Name, sizes: dict[_Name, int]) -> int:
        # No closure that calls itself: it would be a cycle, which keeps the content until Python
        # looks for cycles.
        if function not in sizes:
            sizes[function] = _MOST_NODES  # while it is counted: it would call itself
            sizes[function] = sum(self._size(name, sizes) if name in self._calls else 1
                                  for name in self._calls[function])
        return sizes[function]

    def _walk(self, kind: str, at: int, end: int, function: "_Name") -> None:
        inner, named, content = _INNER[kind], _NAMES.get(kind, ()), self._content
        texts: dict[int, str] = {}
        parts: list[tuple[str, int, int]] = []
        while at < end:
            tag, at = self._number(at)
            number, wire = tag >> 3, tag & 7
            if wire == 2:
                length, at = self._number(at)
                if number in inner:
                    parts.append((inner[number], at, at + length))
                elif number in named:
                    texts[number] = content[at:at + length].decode("utf-8", "replace")
                at += length
            elif wire == 0:
                _, at = self._number(at)
            elif wire in (1, 5):
                at += 8 if wire == 1 else 4
            else:
                raise ValueError(wire)
        if at != end:
            raise ValueError("cut off")
        first, second = (*(texts.get(number, "") for number in named), "", "")[:2]
        if kind == "node":
            self.operators.add(first)
            self._calls[function].append((second, first))
        elif kind == "function":
            function = second, first
            self._calls.setdefault(function, [])
        elif kind == "external" and first == "location":
            self.files.add(second)
        for part in parts:
            self._walk(*part, function)

    def _number(self, at: int) -> tuple[int, int]:
        """A number of variable length, and where it ends."""
        number = self._content[at]
        at += 1
        if number < 128:
            return number, at
        number, shift = number & 127, 7
        while True:
            byte = self._content[at]
            at += 1
            number |= (byte & 127) << shift
            if byte < 128:
                return number, at
            shift += 7
            if shift > 63:
                raise ValueError("too long a number")
