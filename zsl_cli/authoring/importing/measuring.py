"""What a published graph gives, and what its completed form gives for the same inputs."""

import ctypes
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.authoring.exporting import parity
from zsl_cli.authoring.exporting.onnx_files import EMBEDDING
from zsl_cli.authoring.importing import completion, onnx_models
from zsl_cli.embedding import sessions
from zsl_cli.errors import ZslError
from zsl_cli.support.vectors import have_direction, unit_rows
from zsl_cli.support.wording import listed

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

    from zsl_cli.embedding.graphs import Graph

Given = Callable[[slice], Mapping[str, Any]]
"""The inputs of a graph for some of what it is tried on."""

TOGETHER = 5
"""Inputs that a completed graph is given at once: more than one, and no number that a graph is
likely to be fixed to."""

COMPLETED = {"fp32": parity.GATES["float32"], "fp16": parity.GATES["float32"]}
"""How closely a completed graph must agree with the published one, by its form."""

ROUNDED = parity.Gate(min_cosine=0.98)
"""The same for integers, whose scales are those of all that goes through at once."""

FORMS = {"fp16": parity.GATES["fp16"], "int8": parity.GATES["int8"],
         "uint8": parity.GATES["int8"]}
FOUR_BITS = parity.Gate(mean_cosine=0.95)
"""How closely a form must agree with fp32."""

_MMAP_THRESHOLD = -3
"""``M_MMAP_THRESHOLD`` of ``mallopt``."""


@dataclass(frozen=True)
class Value:
    """An input or an output of a graph: NumPy's type, and the sizes, a name or None for those that
    are not fixed."""

    type: Any
    shape: tuple[int | str | None, ...]


class Published:
    """A graph as it was published, or as much of it as leads to one output."""

    def __init__(self, graph: Path) -> None:
        """Raises ZslError for what is no ONNX model."""
        self.graph = graph
        model = onnx_models.read(graph)
        self.inputs = {name: _value(one) for name, one in completion.inputs(model).items()}
        self.outputs = {one.name: _value(one) for one in model.graph.output}

    def run(self, values: "Mapping[str, NDArray[Any]]", *outputs: str,
            alone: bool = True) -> "list[NDArray[np.float32]]":
        """What it gives for ``n`` rows of some inputs, one after the other or ``alone=False`` all
        at once. Raises ZslError for what ONNX Runtime cannot load or run."""
        session = sessions.open_session(self._part(values, outputs), "cpu")
        given = {name: value.astype(self.inputs[name].type) for name, value in values.items()}
        count = len(next(iter(values.values())))
        parts = [slice(at, at + 1) for at in range(count)] if alone else [slice(None)]
        try:
            results = [session.run(list(outputs), {
                name: value[part] for name, value in given.items()}) for part in parts]
        except sessions.session_errors() as error:
            raise ZslError(f"{self.graph}: ONNX Runtime cannot run it on inputs of "
                           f"{listed([str(list(one.shape[1:])) for one in given.values()])}: "
                           f"{' '.join(str(error).split())[:300]}") from error
        return [np.concatenate(several).astype(np.float32)
                for several in zip(*results, strict=True)]

    def _part(self, values: "Mapping[str, NDArray[Any]]",
              outputs: Sequence[str]) -> "Graph | Path":
        """The file itself where all of its inputs are given, else what needs no others."""
        if {*values} == {*self.inputs}:
            return onnx_models.as_published(self.graph)
        model = onnx_models.read(self.graph)
        completion.keep_outputs(model, outputs)
        if missing := sorted({*completion.inputs(model)} - {*values}):
            raise ZslError(f"{self.graph}: {listed([*outputs])} hangs on the inputs "
                           f"{listed(missing)}, too")
        return onnx_models.as_published(self.graph, model)


def _value(value: "onnx.ValueInfoProto") -> Value:
    from onnx import helper

    return Value(helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type).type,
                 tuple(completion.shape_of(value)))


def output_of(published: Published, wanted: str | None, known: Sequence[str],
              parameter: str) -> str:
    """The output that is the vector: the one that is wanted, the first of the known names, or the
    only one it can be. Raises ZslError."""
    there = published.outputs
    listing = listed([f"{name} [{', '.join(map(str, one.shape))}]" for name, one in there.items()])
    if wanted is not None:
        if wanted not in there:
            raise ZslError(f"{published.graph}: no output {wanted}; there is {listing}")
        return wanted
    flat = [name for name, one in there.items()
            if len(one.shape) in (0, 2) and not name.startswith("logits")]
    for name in (*known, *(flat if len(flat) == 1 else ())):
        if name in flat:
            return name
    raise ZslError(f"{published.graph}: no output is known to be a vector for each input; there is "
                   f"{listing}; name one of two dimensions with `{parameter}`")


def vectors(rows: "NDArray[np.float32]", graph: Path, output: str) -> "NDArray[np.float32]":
    """What an output gave, scaled to unit length, ``[n, D]``. Raises ZslError for what are no
    vectors."""
    if rows.ndim != 2:
        raise ZslError(f"{graph}: its output {output} has {rows.ndim} dimensions, "
                       f"{list(rows.shape)}, and a vector for each input has 2; name another")
    if not have_direction(rows).all():
        raise ZslError(f"{graph}: its output {output} is not finite, or without direction; the "
                       "file is damaged, or of a form that this processor cannot run")
    return unit_rows(rows)


def completed(file: Path, count: int, given: Given,
              ) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
    """What a completed graph gives for so many inputs, some at a time and one at a time; one by
    one both times where it takes no more. Raises ZslError for one that does not run."""
    session = sessions.open_session(file, "cpu")
    frozen = session.get_inputs()[0].shape[0] == 1

    def run(step: int) -> "NDArray[np.float32]":
        return np.concatenate([session.run([EMBEDDING], dict(given(slice(start, start + step))))[0]
                               for start in range(0, count, step)])

    failures: tuple[type[Exception], ...] = (*sessions.session_errors(), ValueError)
    try:
        return run(1 if frozen else TOGETHER), run(1)
    except failures as error:
        raise ZslError(f"{file.name}: ONNX Runtime cannot run it: "
                       f"{' '.join(str(error).split())[:300]}") from error


def give_back_at_once() -> None:
    """Have memory of a megabyte and more go back to the system as soon as it is free, from now on
    in this process. The C library would keep some for later: a session that packs its weights anew
    takes up to twice their room, and the next tower needs its own beside that of one that is gone.
    """
    with suppress(OSError, AttributeError, TypeError):  # glibc has it
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, 1 << 20)


def gate_of(form: str) -> parity.Gate:
    """How closely a form must agree with fp32."""
    return FORMS.get(form, FOUR_BITS)


def pictures(side: int, count: int = 12) -> "NDArray[np.uint8]":
    """Pictures of soft spots and noise, uint8 ``[count, side, side, 3]``; the same ones every
    time."""
    from PIL import Image

    random = np.random.default_rng(0)
    made = []
    for number in range(count):
        coarse = random.integers(0, 256, (2 + number, 2 + number, 3), dtype=np.uint8)
        smooth = Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC)
        noise = random.integers(-12, 13, (side, side, 3))
        made.append(np.clip(np.asarray(smooth).astype(np.int64) + noise, 0, 255).astype(np.uint8))
    return np.stack(made)
