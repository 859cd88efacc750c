"""A request, or its plan, → a model folder, the agreement with PyTorch measured at every step."""

import gc
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from zsl_cli.authoring.exporting import (
    card,
    compare,
    confidences,
    graph,
    heads,
    onnx_files,
    parity,
    pipeline,
    quantize,
    rounding,
    text_tower,
)
from zsl_cli.authoring.exporting.plan import Labels, Plan, make
from zsl_cli.authoring.exporting.request import ExportRequest
from zsl_cli.embedding import graphs
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.support.limits import MAX_TOP
from zsl_cli.support.manifests import (
    ENCODER_FILE,
    LABEL_ENCODER_FILE,
    TOKENIZER_FILE,
    Agreement,
    Calibration,
    CheckpointEntry,
    FileEntry,
    ModelManifest,
    Normalisation,
)
from zsl_cli.support.progress import SILENT, Reporter
from zsl_cli.support.version import __version__
from zsl_cli.vocabulary import writing

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PARITY_IMAGES = 48
_CALIBRATION = 256  # photographs
_BATCH = 2  # a larger one would hold more activations than weights
_NEIGHBOURS = 100
PIPELINE = "pipeline"
"""What the agreement of the whole way from a photograph is called."""


@dataclass(frozen=True)
class ExportResult:
    """An export that is done.

    folder: the model folder.
    agreement: as in the manifest, and of all the forms that were measured.
    comparison: the forms side by side, where that was asked for.
    labels: where the model's labels are from.
    """

    folder: Path
    manifest: ModelManifest
    agreement: Mapping[str, Agreement]
    comparison: tuple[compare.Form, ...]
    labels: Labels


@dataclass(frozen=True)
class _LabelVectors:
    """The label vectors that agreement is measured with, and whether they go into the folder."""

    vectors: "NDArray[np.floating]"
    own: bool


def export(wanted: ExportRequest | Plan, reporter: Reporter = SILENT) -> ExportResult:
    """Write a model folder.

    reporter: is told each step, in a line for people.

    Raises ZslError, and leaves nothing behind, when something cannot be exported or an encoder
    does not agree with PyTorch.
    """
    request = wanted.request if isinstance(wanted, Plan) else wanted
    request.check_output()
    plan = wanted if isinstance(wanted, Plan) else _planned(request, reporter)
    frame = plan.network.input.preprocessing
    forms = quantize.FORMS if request.compare else (request.form,)
    for note in plan.notes:
        reporter.say(note)
    pixels = (quantize.pixels_of(plan.photographs, frame) if plan.photographs else
              quantize.bundled_pixels(frame, _CALIBRATION if "int8" in forms else _PARITY_IMAGES))
    with folders.new_folder(request.folder, force=request.force) as folder:
        scratch = folder / "scratch"
        scratch.mkdir()
        agreement: dict[str, Agreement] = {}
        text = text_tower.write(plan, scratch, agreement, reporter) if plan.network.text else None
        labels = _label_vectors(plan, text, reporter)
        vectors = None if labels is None else labels.vectors
        files, temperature = _write_forms(plan, pixels, vectors, forms, scratch, agreement,
                                          reporter)
        parity.GATES[request.form].check(
            agreement[request.form], f"{request.form} does not agree with float32",
            "export without `quantize`, or give your own `calibration_images`")
        comparison = compare.forms(files, agreement, pixels) if request.compare else ()
        onnx_files.move(files[request.form], folder / ENCODER_FILE)
        if text is not None:
            text_tower.place(plan, text, folder, agreement, reporter)
        elif plan.label_encoder_of is not None:
            text_tower.copy(plan.label_encoder_of, folder)
        if labels is not None and labels.own:
            _write_vocabulary(plan, labels, folder / "vocab", reporter)
        shutil.rmtree(scratch)
        _finish(_manifest(plan, temperature, agreement), folder, text is not None)
        manifest = folders.read_manifest(folders.MODEL, folder)
        for name in {ENCODER_FILE, LABEL_ENCODER_FILE} & {*manifest.files}:
            graphs.read(folder, name, manifest)  # raises for what will not be run
        (folder / "README.md").write_text(card.model_card(manifest), encoding="utf-8")
        confidences.fit(plan, folder, reporter)
        manifest = folders.read_manifest(folders.MODEL, folder)
    reporter.say(f"wrote {request.folder}")
    return ExportResult(request.folder, manifest, agreement, tuple(comparison), plan.labels)


def _planned(request: ExportRequest, reporter: Reporter) -> Plan:
    plan = make(request)
    reporter.say(f"read {request.checkpoint.name}: {plan.network.architecture}, features of "
        f"{plan.features.width} ({plan.features.where}), embedding of {plan.dimension}")
    return plan


def _write_forms(plan: Plan, pixels: "NDArray[np.uint8]",
                 labels: "NDArray[np.floating] | None", forms: tuple[str, ...], scratch: Path,
                 agreement: dict[str, Agreement], reporter: Reporter,
                 ) -> tuple[dict[str, Path], float]:
    """The encoder's files in float32 and the wanted forms, their agreement noted; and the
    temperature of the scores."""
    encoder, expected, sample = _encoder(plan, pixels)
    if not expected.any():
        reporter.say("the network gives zeros for every photograph: its last layer has not been "
                     "trained")
    full = scratch / "float32.onnx"
    graph.write_encoder(encoder, full)
    reporter.say(f"wrote the ONNX graph, opset {graph.OPSET}, "
        f"{onnx_files.size(full) / 1e6:.1f} MB in float32")
    informative, temperature = encoder.head.informative, plan.temperature(encoder.head)
    gc.collect()  # the exporter leaves its graphs in cycles
    agreement["float32"] = _check_float(full, encoder, expected, sample, labels, reporter)
    reporter.say(f"ONNX Runtime agrees with PyTorch: {parity.spoken(agreement['float32'])}")
    theirs = pipeline.rows(plan.reference, encoder, plan.features, plan.kind) if (
        plan.reference) else None
    if "fp16" in forms:
        graph.write_encoder(encoder.halve(), scratch / "fp16.onnx")
    del encoder
    gc.collect()
    if theirs is not None:
        assert plan.reference is not None
        agreement[PIPELINE] = pipeline.compare(full, *theirs, plan.network.input, informative)
        _judge(plan, agreement[PIPELINE], reporter)
    elif plan.reference is not None:
        reporter.say(f"its whole pipeline is not compared with that of {plan.reference.library}: "
                     f"{plan.reference.failure}")
    elif plan.request.hints.input.said and ":" in plan.network.architecture:
        reporter.say("its preprocessing is the one that was asked for, and not compared with that "
                     "of another library")
    files = _smaller(full, scratch, forms, pixels, informative, labels, agreement, reporter)
    return files, temperature


def _judge(plan: Plan, measured: Agreement, reporter: Reporter) -> None:
    """Say how closely the whole pipeline agrees with the original library's; raises ZslError where
    it does not."""
    assert plan.reference is not None
    library = plan.reference.library
    parity.PIPELINE.check(
        measured, f"what becomes of photographs is not what {library} itself makes of them",
        "this network cannot be exported as it is")
    close = plan.reference.is_close and not parity.CLOSE.failures(measured)
    say = reporter.say if close else reporter.warn
    say(f"from photograph to embedding it agrees with {library}{'' if close else ' roughly'}: "
        f"pixels within {plan.reference.error:.2%}, {parity.spoken(measured)}")


def _encoder(plan: Plan, pixels: "NDArray[np.uint8]",
             ) -> "tuple[graph.Encoder, NDArray[np.float32], NDArray[np.uint8]]":
    """The encoder, and what it gives in PyTorch for a sample of photographs and noise."""
    network_input = plan.network.input
    bare = graph.Encoder(plan.features.body, heads.Plain(plan.features.width), network_input)
    head = plan.head(pixels, lambda some: bare.prepared(torch.from_numpy(some)))
    encoder = graph.Encoder(plan.features.body, head, network_input)
    noise = np.random.default_rng(1).integers(0, 256, (4, *pixels.shape[1:]), dtype=np.uint8)
    sample = np.concatenate([pixels[:_PARITY_IMAGES], noise])
    with torch.inference_mode():
        expected = np.concatenate([
            encoder(torch.from_numpy(sample[start:start + _BATCH]))[0].numpy()
            for start in range(0, len(sample), _BATCH)])
    if not np.isfinite(expected).all():
        raise ZslError("the network gives NaN or infinity for photographs; its weights or its "
                       "preprocessing are not what they should be")
    return encoder, expected, sample


def _check_float(file: Path, encoder: graph.Encoder, expected: "NDArray[np.float32]",
                 sample: "NDArray[np.uint8]", labels: "NDArray[np.floating] | None",
                 reporter: Reporter) -> Agreement:
    """PyTorch against ONNX Runtime, one image at a time and many."""
    informative, gate = encoder.head.informative, parity.GATES["float32"]
    found = [parity.run(file, onnx_files.IMAGES, sample, batch) for batch in parity.BATCHES]

    def measure(which: "slice | NDArray[np.bool_]") -> Agreement:
        return parity.worst([parity.compare(expected[which], one[which], informative, labels)
                             for one in found])

    measured = measure(slice(None))
    if gate.failures(measured) and (steady := rounding.steady(
            encoder, sample, expected, informative)) is not None:
        measured = measure(steady)
        reporter.warn(f"for {len(steady) - steady.sum()} of {len(steady)} pictures the network "
                      "itself gives something else in float64: they are left out where ONNX "
                      "Runtime and PyTorch are compared")
    gate.check(measured, "the exported encoder does not agree with PyTorch",
               "this network cannot be exported as it is")
    return measured


def _smaller(full: Path, scratch: Path, forms: tuple[str, ...], pixels: "NDArray[np.uint8]",
             informative: int, labels: "NDArray[np.floating] | None",
             agreement: dict[str, Agreement], reporter: Reporter) -> dict[str, Path]:
    """The encoder's files in float32 and the smaller forms; the agreement of these with float32
    is noted."""
    files = {"float32": full}
    smaller = [form for form in forms if form != "float32"]
    if smaller:
        sample = pixels if "int8" in smaller else pixels[:_PARITY_IMAGES]
        reference = parity.run(full, onnx_files.IMAGES, sample, _BATCH)

    def measure(form: str) -> list[str]:
        embeddings = parity.run(files[form], onnx_files.IMAGES, sample, _BATCH)
        agreement[form] = parity.compare(reference, embeddings, informative, labels)
        reporter.say(f"{form} against float32: {parity.spoken(agreement[form])}, "
            f"{onnx_files.size(files[form]) / 1e6:.1f} MB")
        return parity.GATES[form].failures(agreement[form])

    for form in smaller:
        files[form] = scratch / f"{form}.onnx"
        if form == "fp16":  # it was exported from PyTorch
            measure(form)
            continue
        if onnx_files.weights_of(full).is_file():
            raise ZslError("int8 is made of a graph with its weights in it, and these take more "
                           "than 2 GB; fp16 may do")
        for recipe in quantize.recipes(full, pixels):
            reporter.say(f"int8: {quantize.RECIPES[recipe]}")
            quantize.to_int8(full, files[form], pixels, recipe)
            if not measure(form):
                break
    return files


def _label_vectors(plan: Plan, text: Path | None, reporter: Reporter) -> _LabelVectors | None:
    """Those of the classes, of a list that the text tower encodes, or of the vocabulary whose
    space it is."""
    if plan.kind == "classes":
        assert plan.features.classifier is not None
        return _LabelVectors(heads.class_vectors(plan.features.classifier)[0].numpy(), own=True)
    if plan.vocab_labels and text is not None:
        return _LabelVectors(text_tower.encode_labels(plan, text, reporter), own=True)
    return None if plan.vocabulary is None else _LabelVectors(plan.vocabulary.vectors, own=False)


def _write_vocabulary(plan: Plan, labels: _LabelVectors, folder: Path, reporter: Reporter) -> None:
    named = plan.class_labels or plan.vocab_labels or ()
    folder.mkdir()
    more: dict[str, Any] = ({} if plan.kind == "classes" else
                            {"templates": list(plan.templates)})
    writing.write(folder, plan.request.model_name, plan.space, named, labels.vectors,
                  sources=list(plan.request.sources), built_by=f"zsl {__version__}", **more)
    reporter.say(f"wrote its own vocabulary of {len(named):,} labels")


def _manifest(plan: Plan, temperature: float, agreement: dict[str, Agreement]) -> ModelManifest:
    """What the folder says of itself, but for its files."""
    request, network = plan.request, plan.network
    return ModelManifest(
        request.model_name, request.version, plan.space, plan.dimension, {}, request.sources,
        input=network.input.preprocessing,
        normalisation=Normalisation(network.input.mean, network.input.std),
        architecture=network.architecture, features=plan.features.where, embedding=plan.kind,
        weights=request.form,
        projection=plan.projection.numbers() if plan.projection is not None else None,
        calibration=Calibration(temperature, _neighbours(plan), _bias(plan)),
        text=text_tower.entry(plan),
        checkpoint=CheckpointEntry(", ".join(file.name for file in network.files), plan.digest),
        parity={name: one for name, one in agreement.items()
                if name.removeprefix("text ") in ("float32", request.form, PIPELINE)},
        compared_with=plan.reference.library if PIPELINE in agreement and plan.reference else None,
        assumed=(network.assumed.line,) if network.assumed else (),
        license=plan.license, exported_by=f"zsl {__version__}", made_by=plan.made_by)


def _bias(plan: Plan) -> float | None:
    """That of the training, which goes with its temperature."""
    as_trained = plan.request.temperature is None and plan.projection is None
    return plan.network.bias if as_trained else None


def _neighbours(plan: Plan) -> int:
    """The labels among which scores are probabilities: all classes of a classifier."""
    return min(len(plan.class_labels), MAX_TOP) if plan.class_labels else _NEIGHBOURS


def _finish(manifest: ModelManifest, folder: Path, text: bool) -> None:
    """Have the ONNX files say what they are, and write the manifest with the hashes of all."""
    metadata = _metadata(manifest)
    for name in (ENCODER_FILE, *((LABEL_ENCODER_FILE,) if text else ())):
        onnx_files.finish(folder / name, metadata)
    graphs_of = [folder / ENCODER_FILE, folder / LABEL_ENCODER_FILE]
    names = [file.name for file in (*graphs_of, *map(onnx_files.weights_of, graphs_of),
                                    folder / TOKENIZER_FILE) if file.is_file()]
    files = {name: FileEntry(**one) for name, one in
             folders.describe_files(folder, *names).items()}
    folders.write_manifest(folders.MODEL, folder, replace(manifest, files=files).to_entries())


def _metadata(manifest: ModelManifest) -> dict[str, str]:
    """What an ONNX file says of itself, should it be parted from its folder."""
    assert manifest.checkpoint is not None
    sources = "; ".join(f"{one['name']} ({one['license']}, {one['url']})"
                        for one in manifest.sources)
    return {
        "zsl.name": manifest.name, "zsl.space": manifest.space,
        "zsl.dimension": str(manifest.dimension),
        "zsl.architecture": manifest.architecture or "",
        "zsl.checkpoint_sha256": manifest.checkpoint.sha256,
        "zsl.license": manifest.license or "", "zsl.sources": sources,
        "zsl.exported_by": manifest.exported_by or "",
    }
