"""The two halves of a dual encoder, each completed from its published graph and compared with
it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from zsl_cli.authoring.exporting import first_token, parity
from zsl_cli.authoring.exporting.onnx_files import IDS, IMAGES
from zsl_cli.authoring.importing import (
    batch,
    completion,
    layouts,
    measuring,
    onnx_models,
    pooling,
    tokens,
)
from zsl_cli.authoring.importing.measuring import Given, Published
from zsl_cli.authoring.importing.request import ImportRequest
from zsl_cli.authoring.importing.towers import Tower
from zsl_cli.authoring.networks.network import Input
from zsl_cli.authoring.networks.tokenization import PHRASES
from zsl_cli.embedding import tokenizer_files
from zsl_cli.errors import ZslError
from zsl_cli.support.manifests import LABEL_ENCODER_FILE, TOKENIZER_FILE, Agreement
from zsl_cli.support.vectors import unit_rows

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray
    from tokenizers import Tokenizer

LENGTH, BEHIND = 0.9 ** 0.5, 0.1 ** 0.5
"""Of embeddings and phrases in the dimensions that mean something, and of what stands behind them
so that a label prior has room: embeddings are ``[LENGTH v, BEHIND, 0]``, phrases ``[LENGTH t, 0,
BEHIND]``, and a label with a prior ``[LENGTH t, p, …]``. Products of the first two are 0.9 times
the cosines, which the temperature takes back."""

H = TypeVar("H")

_TRIED = (*PHRASES[:6], *PHRASES[8:24:3], "a photo of a red panda", PHRASES[-1])
"""What text towers are compared on: short and long, blank ones left out."""


@dataclass(frozen=True)
class Half:
    """A completed half.

    dimension: D. output: of the published graph, for people.
    normalises: whether it takes pixels as they come and normalises them.
    agreement: with the published graph, and of its form with fp32 where both are there.
    notes: what a user should know.
    """

    dimension: int
    output: str
    agreement: Mapping[str, Agreement]
    normalises: bool = True
    notes: tuple[str, ...] = ()


def image(tower: Tower, prepared: Input, request: ImportRequest, form: str, target: Path,
          metadata: dict[str, str], *, room: bool) -> Half:
    """Write the image encoder, with or without room for a label prior. Raises ZslError."""
    side = prepared.preprocessing.size
    published = Published(tower.graph)
    output = measuring.output_of(published, request.image_output, layouts.IMAGE_OUTPUTS,
                                 "image_output")
    name = pixels_input(published)
    pixels = measuring.pictures(side)

    def expected(graph: Published) -> "NDArray[np.float32]":
        return measuring.vectors(graph.run({name: normalised(
            pixels, prepared, graph.inputs[name])}, output)[0], graph.graph, output)

    reference = expected(published)
    modes = batch.modes(published.inputs[name].shape)
    agreement, notes = _form(tower, form, reference, expected)
    normalises = published.inputs[name].type is not np.uint8

    plain = set[batch.Mode]()  # whose token cannot be taken early

    def write(how: tuple[batch.Mode, bool]) -> Given | None:
        mode, early = how
        if (not early and mode in plain) or (model := _part(tower.graph, output, mode)) is None:
            return None
        completion.take_pixels(model, side, prepared)
        if early and not first_token.take_early(model):
            plain.add(mode)
        _finish(model, reference.shape[1], (BEHIND, 0.0) if room else (), metadata)
        onnx_models.write(model, tower.graph, target)
        return lambda some: {IMAGES: pixels[some]}

    del published
    ways = [(mode, early) for mode in modes for early in (True, False)]
    (mode, _), agreement["published"] = _first(write, ways, reference, target, form)
    if mode is batch.Mode.SINGLE:
        notes = (*notes, "its batch is fixed: pictures go through it one by one")
    return Half(reference.shape[1], output, agreement, normalises, notes)


def text(tower: Tower, request: ImportRequest, form: str, folder: Path,
         metadata: dict[str, str]) -> Half:
    """Write the label encoder and its tokenizer. Raises ZslError."""
    published = Published(tower.graph)
    pooled = None if request.text_output else pooling.of(tower, published)
    output = pooled.output if pooled else measuring.output_of(
        published, request.text_output, layouts.TEXT_OUTPUTS, "text_output")
    bare = onnx_models.read(tower.graph)
    completion.keep_outputs(bare, [output])
    roles = _only_ids(bare, tower.graph, pooled is not None)
    rows = completion.rows_of_table(bare)
    declared = published.inputs[roles[IDS]].shape
    fixed = declared[1] if isinstance(declared[1], int) else None
    length = tokens.length_of(tower, request, fixed)
    tokenizer = tokens.read(tower, request, length, rows)
    del bare

    def expected(graph: Published) -> "NDArray[np.float32]":
        full = _ids(tokenizer, _TRIED)
        given = {name: full[role] for role, name in roles.items() if role in full}
        states = graph.run(given, output)[0]
        if pooled:
            states = pooled.apply(states, full[completion.MASK])
        return measuring.vectors(states, graph.graph, output)

    reference = expected(published)
    agreement, notes = _form(tower, form, reference, expected)
    del published

    def write(how: tuple[batch.Mode, int | None]) -> Given | None:
        mode, tokens_ = how
        if (model := _part(tower.graph, output, mode)) is None:
            return None
        if pooled:
            completion.average_tokens(model, pooled.dense)
        completion.take_ids(model, tokens_)
        _finish(model, reference.shape[1], (0.0, BEHIND), metadata)
        names = [end.name for end in model.graph.input]
        onnx_models.write(model, tower.graph, folder / LABEL_ENCODER_FILE)
        tokenizer.enable_padding(**{**(tokenizer.padding or {}), "length": tokens_})

        def given(some: slice) -> Mapping[str, Any]:  # padded to the longest of them alone
            ids = _ids(tokenizer, _TRIED[some])
            return {name: ids[name] for name in names}

        return given

    attempts = [(mode, tokens_) for mode in batch.modes(declared)
                for tokens_ in ([length] if fixed else [None, length])]
    (mode, _), agreement["published"] = _first(write, attempts, reference,
                                               folder / LABEL_ENCODER_FILE, form)
    tokenizer.save(str(folder / TOKENIZER_FILE), pretty=False)
    if mode is batch.Mode.SINGLE:
        notes = (*notes, "the batch of its text tower is fixed: phrases go through it one by one")
    return Half(reference.shape[1], output,
                {f"text {name}": one for name, one in agreement.items()}, notes=notes)


def _first(write: Callable[[H], Given | None], ways: Sequence[H],
           reference: "NDArray[np.float32]", target: Path, form: str) -> tuple[H, Agreement]:
    """The first way of completing a graph that agrees with the published one, and how closely.
    Ways that a graph does not allow are passed over. Raises ZslError where none agrees."""
    gate, failure = measuring.COMPLETED.get(form, measuring.ROUNDED), ""
    for how in ways:
        if (given := write(how)) is None:
            continue
        try:
            several = measuring.completed(target, len(reference), given)
            agreement = parity.worst([
                parity.compare(reference, unit_rows(one[:, :reference.shape[1]]))
                for one in several])
        except ZslError as error:
            failure = str(error)
            continue
        if not (below := gate.failures(agreement)):
            return how, agreement
        failure = "; ".join(below)
    raise ZslError(f"{target.name}: what was completed does not agree with what was published: "
                   f"{failure}")


def _form(tower: Tower, form: str, vectors: "NDArray[np.float32]",
          expected: "Callable[[Published], NDArray[np.float32]]",
          ) -> tuple[dict[str, Agreement], tuple[str, ...]]:
    """The agreement of a form with fp32, where both are there, or that it is not known. Raises
    ZslError for one that is broken."""
    if tower.exact is None:
        return {}, () if form == "fp32" else (
            f"that the {form} weights of {tower.graph.name} agree with fp32, which is not there",)
    measured = parity.compare(expected(Published(tower.exact)), vectors)
    measuring.gate_of(form).check(measured, f"{tower.graph} does not agree with fp32",
                                  "choose another `form`")
    return {form: measured}, ()


def _part(graph: Path, output: str, mode: batch.Mode) -> "onnx.ModelProto | None":
    """What of a graph leads to an output, its names out of the way; None where it is not known how
    to free its batch."""
    model = onnx_models.read(graph)
    completion.keep_outputs(model, [output])
    if mode is not batch.Mode.AS_IT_IS:
        batch.freeze([*completion.inputs(model).values(), *model.graph.output])
    if mode is batch.Mode.FREED:
        if not batch.free(model):
            return None
        completion.keep_outputs(model, [output])  # without the constants that were replaced
    completion.free_names(model)
    return model


def _finish(model: "onnx.ModelProto", dimension: int, behind: tuple[float, ...],
            metadata: dict[str, str]) -> None:
    from onnx import helper

    completion.give_unit_vectors(model, dimension, LENGTH if behind else 1.0, behind)
    helper.set_model_props(model, metadata)


def pixels_input(published: Published) -> str:
    """The input of a graph that takes pictures."""
    return next(name for name, one in published.inputs.items() if len(one.shape) == 4)


def normalised(pixels: "NDArray[np.uint8]", prepared: Input,
                value: measuring.Value) -> "NDArray[Any]":
    """Pixels as a published graph takes them, ``[n, 3, S, S]`` or ``[n, S, S, 3]``."""
    last = value.shape[3] == 3 and value.shape[1] != 3
    ready: NDArray[Any] = pixels[..., ::-1] if prepared.bgr else pixels
    if value.type is not np.uint8:
        mean, std = (np.array(one, np.float32) for one in (prepared.mean, prepared.std))
        ready = (ready.astype(np.float32) - mean) / std
    return ready if last else ready.transpose(0, 3, 1, 2)


def _only_ids(model: "onnx.ModelProto", graph: Path, pooled: bool) -> dict[str, str]:
    roles = completion.text_inputs(model)
    if pooled and completion.MASK not in roles:
        raise ZslError(f"{graph}: the mean of its tokens is wanted, and it takes no mask")
    return roles


def _ids(tokenizer: "Tokenizer", phrases: Sequence[str]) -> "dict[str, NDArray[np.int64]]":
    """The tokens of phrases, ``[phrases, tokens]``."""
    encodings = tokenizer_files.encode(tokenizer, phrases, Path(TOKENIZER_FILE))
    return {IDS: np.array([one.ids for one in encodings], np.int64),
            completion.MASK: np.array([one.attention_mask for one in encodings], np.int64)}
