"""A text tower → the label encoder of a model folder, and the vectors of labels that it gives."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from zsl_cli.authoring.exporting import graph, onnx_files, parity, quantize
from zsl_cli.authoring.exporting.plan import Plan
from zsl_cli.embedding import sessions
from zsl_cli.support import folders
from zsl_cli.support.manifests import (
    LABEL_ENCODER_FILE,
    TOKENIZER_FILE,
    Agreement,
    TextEncoding,
)
from zsl_cli.support.progress import Reporter
from zsl_cli.support.vectors import unit_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.authoring.networks.network import TextTower

_BATCH = 2  # a larger one would hold more activations than weights



def write(plan: Plan, scratch: Path, agreement: dict[str, Agreement], reporter: Reporter) -> Path:
    """The text tower as ``scratch/text.onnx``, its tokenizer beside it, its agreement with
    PyTorch noted. Raises ZslError."""
    text = plan.network.text
    assert text is not None
    file = scratch / "text.onnx"
    module = graph.LabelEncoder(text.module)
    ids = _phrase_ids(text)
    with torch.inference_mode():
        expected = np.concatenate([module(torch.from_numpy(ids[start:start + _BATCH]))[0]
                                   .numpy() for start in range(0, len(ids), _BATCH)])
    graph.write_label_encoder(module, text.length, file, fixed=text.fixed)
    measured = parity.worst([
        parity.compare(expected, parity.run(file, onnx_files.IDS, ids, batch), text.informative)
        for batch in parity.BATCHES])
    parity.GATES["float32"].check(
        measured, "the exported label encoder does not agree with PyTorch",
        "this text tower cannot be exported as it is")
    agreement["text float32"] = measured
    text.tokenizer.save(str(scratch / TOKENIZER_FILE), pretty=False)
    reporter.say("wrote the label encoder; ONNX Runtime agrees with PyTorch: "
                 + parity.spoken(measured))
    return file


def place(plan: Plan, file: Path, folder: Path, agreement: dict[str, Agreement],
          reporter: Reporter) -> None:
    """Move what ``write`` wrote into the folder, in the form that was asked for. Raises
    ZslError."""
    text, form = plan.network.text, plan.request.form
    assert text is not None
    placed = folder / LABEL_ENCODER_FILE
    if form == "float32":
        onnx_files.move(file, placed)
    else:
        ids = _phrase_ids(text)
        reference = parity.run(file, onnx_files.IDS, ids, _BATCH)
        for recipe in text.recipes if form == "int8" else [""]:
            if recipe:
                quantize.to_int8(file, placed, None, recipe)
            else:
                graph.write_label_encoder(graph.LabelEncoder(text.module).halve(), text.length,
                                          placed, fixed=text.fixed)
            measured = parity.compare(reference, parity.run(placed, onnx_files.IDS, ids, _BATCH),
                                      text.informative)
            if not parity.GATES[form].failures(measured):
                break
        agreement[f"text {form}"] = measured
        parity.GATES[form].check(
            measured, f"the {form} label encoder does not agree with float32",
            "export without `quantize`")
        reporter.say(f"label encoder, {form} against float32: {parity.spoken(measured)}")
    (file.parent / TOKENIZER_FILE).rename(folder / TOKENIZER_FILE)


def copy(source: Path, folder: Path) -> None:
    """Take over the label encoder of another model folder, its files checked. Raises
    FolderError."""
    manifest = folders.read_manifest(folders.MODEL, source)
    for name in (LABEL_ENCODER_FILE, TOKENIZER_FILE):
        (folder / name).write_bytes(folders.read_file(source, name, manifest))


def entry(plan: Plan) -> TextEncoding | None:
    """What the manifest says of the label encoder."""
    if plan.network.text is not None:
        return TextEncoding(plan.templates, plan.network.text.sentence_encoder)
    if plan.label_encoder_of is not None:
        return folders.read_manifest(folders.MODEL, plan.label_encoder_of).text
    return None


def encode_labels(plan: Plan, file: Path, reporter: Reporter) -> "NDArray[np.float32]":
    """The vector of each label of the list, ``[labels, D]``: the mean over its templates, of unit
    length (Radford et al., 2021, section 3.1.4)."""
    from zsl_cli.embedding.label_encoder import LabelEncoder

    names = [label.name for label in plan.vocab_labels or ()]
    assert plan.network.text is not None
    encoder = LabelEncoder(file.parent, plan.dimension, sessions.open_session(file, "cpu"),
                           plan.network.text.tokenizer)
    total = np.zeros((len(names), plan.dimension), np.float32)
    for template in plan.templates:
        total += encoder.encode([template.replace("{}", name) for name in names])
    reporter.say(f"encoded {len(names):,} labels with {len(plan.templates)} templates")
    return unit_rows(total)


def _phrase_ids(text: "TextTower") -> "NDArray[np.int64]":
    from zsl_cli.authoring.networks.tokenization import PHRASES

    return np.array([one.ids for one in text.tokenizer.encode_batch(list(PHRASES))], np.int64)
