"""A plan → a model folder, the agreement with PyTorch measured at every step."""

import gc
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from zsl_cli import __version__
from zsl_cli.authoring.exporting import card, graph, heads, parity, quantize
from zsl_cli.authoring.exporting.parity import Parity
from zsl_cli.authoring.exporting.plan import Plan, Request, make
from zsl_cli.classifier.classifier import MAX_TOP
from zsl_cli.embedding import sessions
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.support.manifests import (
    ENCODER_FILE,
    LABEL_ENCODER_FILE,
    TOKENIZER_FILE,
    ModelManifest,
)
from zsl_cli.vocabulary import writing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.authoring.networks.network import TextTower

__all__ = ["Request", "export", "make"]

_PARITY_IMAGES = 48
_CALIBRATION = 256  # photographs
_BATCH = 2  # a larger one would hold more activations than weights
_NEIGHBOURS = 100

Say = Callable[[str], None]


@dataclass(frozen=True)
class _Labels:
    """The labels that agreement is measured with, and whether they go into the folder."""

    vectors: "NDArray[np.floating]"
    own: bool


def export(plan: Plan, target: Path, *, force: bool = False, compare: bool = False,
           say: Say = lambda _line: None) -> tuple[ModelManifest, list[dict[str, Any]]]:
    """Write the model folder; returns its manifest and, with ``compare``, a row for each form
    (see compare.forms).

    Raises ZslError, and leaves nothing behind, when something cannot be exported or an encoder
    does not agree with PyTorch.
    """
    request, frame = plan.request, plan.network.input.preprocessing
    wanted = quantize.FORMS if compare else (request.form,)
    for note in plan.notes:
        say(f"note: {note}")
    pixels = (quantize.given_pixels(request.calibration_images, frame)
              if request.calibration_images else
              quantize.bundled_pixels(frame, _CALIBRATION if "int8" in wanted else _PARITY_IMAGES))
    with folders.new_folder(target, force=force) as folder:
        scratch = folder / "scratch"
        scratch.mkdir()
        agreement: dict[str, Parity] = {}
        text = _write_label_encoder(plan, scratch, agreement, say) if plan.network.text else None
        labels = _labels(plan, text, say)
        vectors = None if labels is None else labels.vectors
        encoder, expected, sample = _encoder(plan, pixels)
        full = scratch / "float32.onnx"
        graph.write_encoder(encoder, full)
        say(f"wrote the ONNX graph, opset {graph.OPSET}, "
            f"{full.stat().st_size / 1e6:.1f} MB in float32")
        informative, temperature = encoder.head.informative, plan.temperature(encoder.head)
        if "fp16" in wanted:
            graph.write_encoder(encoder.halve(), scratch / "fp16.onnx")
        del encoder
        gc.collect()  # the exporter leaves its graphs in cycles
        agreement["float32"] = _check_float(full, expected, sample, informative, vectors)
        say(f"ONNX Runtime agrees with PyTorch: {_spoken(agreement['float32'])}")
        forms = _forms(full, scratch, wanted, pixels, informative, vectors, agreement, say)
        gate = parity.GATES[request.form]
        gate.check(agreement[request.form], f"{request.form} does not agree with float32",
                   "export without --quantize, or give your own --calibration-images")
        rows = []
        if compare:
            from zsl_cli.authoring.exporting.compare import forms as compare_forms

            rows = compare_forms(forms, agreement, pixels)
        forms[request.form].rename(folder / ENCODER_FILE)
        if text is not None:
            _place_label_encoder(plan, text, folder, agreement, say)
        elif plan.label_encoder_of is not None:
            _copy_label_encoder(plan.label_encoder_of, folder)
        if labels is not None and labels.own:
            _write_vocabulary(plan, labels, folder / "vocab", say)
        shutil.rmtree(scratch)
        entries = _entries(plan, temperature, agreement, folder)
        metadata = _metadata(entries)
        for file in (ENCODER_FILE, *((LABEL_ENCODER_FILE,) if text else ())):
            graph.finish(folder / file, metadata)
        entries["files"] = folders.describe_files(folder, *_files(folder))
        folders.write_manifest(folders.MODEL, folder, entries)
        manifest = folders.read_manifest(folders.MODEL, folder)
        (folder / "README.md").write_text(card.model_card(manifest.entries), encoding="utf-8")
    say(f"wrote {target}")
    return manifest, rows


def _encoder(plan: Plan, pixels: "NDArray[np.uint8]",
             ) -> "tuple[graph.Encoder, NDArray[np.float32], NDArray[np.uint8]]":
    """The encoder, and what it gives in PyTorch for a sample of photographs and noise."""
    given = plan.network.input
    bare = graph.Encoder(plan.features.body, heads.Plain(plan.features.width), given)
    head = plan.head(pixels, lambda some: bare.prepared(torch.from_numpy(some)))
    encoder = graph.Encoder(plan.features.body, head, given)
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


def _check_float(file: Path, expected: "NDArray[np.float32]", sample: "NDArray[np.uint8]",
                 informative: int, labels: "NDArray[np.floating] | None") -> Parity:
    """PyTorch against ONNX Runtime, one image at a time and many."""
    found = parity.worst([
        parity.compare(expected, parity.run(file, graph.IMAGES, sample, batch), informative,
                       labels) for batch in parity.BATCHES])
    parity.GATES["float32"].check(found, "the exported encoder does not agree with PyTorch",
                                  "this network cannot be exported as it is")
    return found


def _forms(full: Path, scratch: Path, wanted: tuple[str, ...], pixels: "NDArray[np.uint8]",
           informative: int, labels: "NDArray[np.floating] | None",
           agreement: dict[str, Parity], say: Say) -> dict[str, Path]:
    """The encoder's files in the wanted forms; their agreement with float32 is noted."""
    files = {"float32": full}
    smaller = [form for form in wanted if form != "float32"]
    if smaller:
        sample = pixels if "int8" in smaller else pixels[:_PARITY_IMAGES]
        reference = parity.run(full, graph.IMAGES, sample, _BATCH)

    def measure(form: str) -> list[str]:
        found = parity.run(files[form], graph.IMAGES, sample, _BATCH)
        agreement[form] = parity.compare(reference, found, informative, labels)
        say(f"{form} against float32: {_spoken(agreement[form])}, "
            f"{files[form].stat().st_size / 1e6:.1f} MB")
        return parity.GATES[form].failures(agreement[form])

    for form in smaller:
        files[form] = scratch / f"{form}.onnx"
        if form == "fp16":  # it was exported from PyTorch
            measure(form)
            continue
        for recipe in quantize.recipes(full, pixels):
            say(f"int8: {quantize.RECIPES[recipe]}")
            quantize.to_int8(full, files[form], pixels, recipe)
            if not measure(form):
                break
    return files


def _write_label_encoder(plan: Plan, scratch: Path, agreement: dict[str, Parity],
                         say: Say) -> Path:
    """The text tower as ``scratch/text.onnx``, its agreement with PyTorch noted."""
    text = plan.network.text
    assert text is not None
    file = scratch / "text.onnx"
    module = graph.LabelEncoder(text.module)
    ids = _phrase_ids(text)
    with torch.inference_mode():
        expected = np.concatenate([module(torch.from_numpy(ids[start:start + _BATCH]))[0]
                                   .numpy() for start in range(0, len(ids), _BATCH)])
    graph.write_label_encoder(module, text.length, file, fixed=text.fixed)
    found = parity.worst([
        parity.compare(expected, parity.run(file, graph.IDS, ids, batch), text.informative)
        for batch in parity.BATCHES])
    parity.GATES["float32"].check(found, "the exported label encoder does not agree with PyTorch",
                                  "this text tower cannot be exported as it is")
    agreement["text float32"] = found
    text.tokenizer.save(str(scratch / TOKENIZER_FILE), pretty=False)
    say(f"wrote the label encoder; ONNX Runtime agrees with PyTorch: {_spoken(found)}")
    return file


def _phrase_ids(text: "TextTower") -> "NDArray[np.int64]":
    from zsl_cli.authoring.networks.tokenization import PHRASES

    return np.array([one.ids for one in text.tokenizer.encode_batch(list(PHRASES))], np.int64)


def _place_label_encoder(plan: Plan, file: Path, folder: Path, agreement: dict[str, Parity],
                         say: Say) -> None:
    """Move the label encoder into the folder, in the form that was asked for."""
    text, form = plan.network.text, plan.request.form
    assert text is not None
    placed = folder / LABEL_ENCODER_FILE
    if form == "float32":
        file.rename(placed)
    else:
        ids = _phrase_ids(text)
        reference = parity.run(file, graph.IDS, ids, _BATCH)
        for recipe in text.recipes if form == "int8" else [""]:
            if recipe:
                quantize.to_int8(file, placed, None, recipe)
            else:
                graph.write_label_encoder(graph.LabelEncoder(text.module).halve(), text.length,
                                          placed, fixed=text.fixed)
            found = parity.compare(reference, parity.run(placed, graph.IDS, ids, _BATCH),
                                   text.informative)
            if not parity.GATES[form].failures(found):
                break
        agreement[f"text {form}"] = found
        parity.GATES[form].check(found, f"the {form} label encoder does not agree with float32",
                                 "export without --quantize")
        say(f"label encoder, {form} against float32: {_spoken(found)}")
    (file.parent / TOKENIZER_FILE).rename(folder / TOKENIZER_FILE)


def _copy_label_encoder(source: Path, folder: Path) -> None:
    """Take over the label encoder of another model folder, its files checked."""
    manifest = folders.read_manifest(folders.MODEL, source)
    for name in (LABEL_ENCODER_FILE, TOKENIZER_FILE):
        folders.check_file(source, name, manifest)
        shutil.copyfile(source / name, folder / name)


def _labels(plan: Plan, text: Path | None, say: Say) -> _Labels | None:
    """The label vectors of the classes, of a list that the text tower encodes, or of the
    vocabulary whose space it is."""
    if plan.kind == "classes":
        assert plan.features.classifier is not None
        return _Labels(heads.class_vectors(plan.features.classifier)[0].numpy(), own=True)
    if plan.request.vocab_labels and text is not None:
        return _Labels(_encoded(plan, text, say), own=True)
    return None if plan.vocabulary is None else _Labels(plan.vocabulary.vectors, own=False)


def _encoded(plan: Plan, file: Path, say: Say) -> "NDArray[np.float32]":
    """The vector of each label of the list: the mean over its templates, of unit length (Radford
    et al., 2021, section 3.1.4)."""
    from zsl_cli.embedding.label_encoder import LabelEncoder

    names = [label.name for label in plan.request.vocab_labels or ()]
    assert plan.network.text is not None
    encoder = LabelEncoder(file.parent, plan.dimension, sessions.open_session(file, "cpu"),
                           plan.network.text.tokenizer)
    total = np.zeros((len(names), plan.dimension), np.float32)
    for template in plan.templates:
        total += encoder.encode([template.replace("{}", name) for name in names])
    say(f"encoded {len(names):,} labels with {len(plan.templates)} templates")
    return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)


def _write_vocabulary(plan: Plan, labels: _Labels, folder: Path, say: Say) -> None:
    named = plan.class_labels or plan.request.vocab_labels or ()
    folder.mkdir()
    more = {} if plan.kind == "classes" else {"templates": list(plan.templates)}
    writing.write(folder, plan.request.name, plan.space, named, labels.vectors,
                            sources=list(plan.request.sources),
                            built_by=f"zsl {__version__}", **more)
    say(f"wrote its own vocabulary of {len(named):,} labels")


def _entries(plan: Plan, temperature: float, agreement: dict[str, Parity],
             folder: Path) -> dict[str, Any]:
    request, network = plan.request, plan.network
    text = {}
    if network.text:
        text = {"text": {"templates": list(plan.templates), **network.text.described}}
    elif plan.label_encoder_of is not None:
        theirs = folders.read_manifest(folders.MODEL, plan.label_encoder_of)
        text = {"text": theirs.entries["text"]}
    files = network.files
    return {
        "name": request.name, "version": request.version, "space": plan.space,
        "dimension": plan.dimension, "input": asdict(network.input.preprocessing),
        "normalisation": {"mean": list(network.input.mean), "std": list(network.input.std)},
        "architecture": network.architecture, "features": plan.features.where,
        "embedding": plan.kind, "weights": request.form,
        **({"projection": plan.projection.numbers()} if plan.projection is not None else {}),
        "calibration": {"temperature": temperature, "neighbours": _neighbours(plan)}, **text,
        "checkpoint": {"file": ", ".join(file.name for file in files), "sha256": plan.digest},
        "parity": {name: found.to_dict() for name, found in agreement.items()
                   if name.removeprefix("text ") in ("float32", request.form)},
        "license": plan.license, "sources": list(request.sources),
        "exported_by": f"zsl {__version__}", "files": {},
    }


def _neighbours(plan: Plan) -> int:
    """The labels among which scores are probabilities: all classes of a classifier."""
    return min(len(plan.class_labels), MAX_TOP) if plan.class_labels else _NEIGHBOURS


def _metadata(entries: dict[str, Any]) -> dict[str, str]:
    """What an ONNX file says of itself, should it be parted from its folder."""
    sources = "; ".join(f"{one['name']} ({one['license']}, {one['url']})"
                        for one in entries["sources"])
    return {
        "zsl.name": entries["name"], "zsl.space": entries["space"],
        "zsl.dimension": str(entries["dimension"]),
        "zsl.architecture": entries["architecture"],
        "zsl.checkpoint_sha256": entries["checkpoint"]["sha256"],
        "zsl.license": entries["license"] or "", "zsl.sources": sources,
        "zsl.exported_by": entries["exported_by"],
    }


def _files(folder: Path) -> list[str]:
    return [name for name in (ENCODER_FILE, LABEL_ENCODER_FILE, TOKENIZER_FILE)
            if (folder / name).is_file()]


def _spoken(found: Parity) -> str:
    top = "" if found.top_10 is None else f", same ten nearest labels {found.top_10:.1%}"
    return (f"largest difference {found.max_difference:.2g}, smallest cosine "
            f"{found.min_cosine:.6f}, mean {found.mean_cosine:.6f}{top}")
