"""A tiny model that encodes phrases: colours, as pictures and as words.

The image encoder gives the direction of the mean colour, red, green and blue being the first
three of four dimensions. The label encoder gives the direction of the mean of the words' vectors:
``red``, ``green`` and ``blue`` are those colours, every other word is the fourth dimension.
"""

import json

import numpy as np
import pytest
from PIL import Image

from zsl_cli.support import folders
from zsl_cli.support.folders import MODEL, VOCABULARY
from zsl_cli.vocabulary.names.label import Label

SIDE = 8
WORDS = {"[PAD]": 0, "[UNK]": 1, "red": 2, "green": 3, "blue": 4}
TABLE = np.array([[0, 0, 0, 0], [0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]],
                 np.float32)
COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255)}
LABELS = [Label("c1", "colour"), Label("c2", "crimson", synonyms=("scarlet",), parents=("c1",)),
          Label("c3", "navy", parents=("c1",))]
VECTORS = np.array([[0.5, 0.5, 0.5, 0.5], [1, 0, 0, 0], [0, 0, 1, 0]], np.float32)


def photo(path, colour):
    """A picture of one colour."""
    Image.new("RGB", (20, 20), colour).save(path)
    return path


def image_encoder(path):
    """uint8 ``[batch, 8, 8, 3]`` → unit vectors of four dimensions."""
    onnx = pytest.importorskip("onnx")
    helper, types = onnx.helper, onnx.TensorProto
    nodes = [
        helper.make_node("Cast", ["images"], ["pixels"], to=types.FLOAT),
        helper.make_node("ReduceMean", ["pixels"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Pad", ["mean", "pads"], ["wide"]),
        helper.make_node("LpNormalization", ["wide"], ["embedding"], axis=1, p=2)]
    _save(path, nodes,
          [helper.make_tensor_value_info("images", types.UINT8, ["batch", SIDE, SIDE, 3])],
          [helper.make_tensor_value_info("embedding", types.FLOAT, ["batch", 4])],
          [onnx.numpy_helper.from_array(np.array([0, 0, 0, 1], np.int64), "pads")])


def label_encoder(path, *, mask=True, table=TABLE, ids="input_ids", ids_type="INT64",
                  batch="batch", length="length", output="embedding", dimension=4):
    """int64 ``[batch, length]`` → unit vectors of four dimensions."""
    onnx = pytest.importorskip("onnx")
    helper, types = onnx.helper, onnx.TensorProto
    # Without the mask, padding counts for nothing all the same: its vector is zero.
    nodes = [helper.make_node("Gather", ["table", ids], ["words"])]
    inputs = [helper.make_tensor_value_info(ids, getattr(types, ids_type), [batch, length])]
    if mask:
        nodes += [helper.make_node("Cast", ["attention_mask"], ["kept"], to=types.FLOAT),
                  helper.make_node("Unsqueeze", ["kept", "last"], ["column"]),
                  helper.make_node("Mul", ["words", "column"], ["counted"])]
        inputs += [helper.make_tensor_value_info("attention_mask", types.INT64, [batch, length])]
    nodes += [
        helper.make_node("ReduceMean", ["counted" if mask else "words"], ["mean"], axes=[1],
                         keepdims=0),
        helper.make_node("LpNormalization", ["mean"], [output], axis=1, p=2)]
    _save(path, nodes, inputs,
          [helper.make_tensor_value_info(output, types.FLOAT, [batch, dimension])],
          [onnx.numpy_helper.from_array(table, "table"),
           onnx.numpy_helper.from_array(np.array([2], np.int64), "last")])


def _save(path, nodes, inputs, outputs, constants):
    import onnx

    graph = onnx.helper.make_graph(nodes, path.stem, inputs, outputs, constants)
    onnx.save(onnx.helper.make_model(
        graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8), path)


def tokenizer(path, *, padding=16, truncation=16, words=None):
    """One token a word; None leaves padding or truncation out, 0 pads to the longest."""
    import tokenizers

    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(words or WORDS, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    if padding is not None:
        made.enable_padding(length=padding or None)
    if truncation is not None:
        made.enable_truncation(truncation)
    made.save(str(path))


def make(folder, *, text=True, space="colours", **changes):
    """The model folder; ``text=False`` leaves the label encoder out."""
    folder.mkdir(parents=True)
    image_encoder(folder / "encoder.onnx")
    extra = {}
    if text:
        label_encoder(folder / "label_encoder.onnx")
        tokenizer(folder / "tokenizer.json")
        extra = {"text": {"templates": ["a photo of a {}."]}}
    folders.write_manifest(MODEL, folder, {
        "name": folder.name, "version": "1", "space": space, "dimension": 4,
        "input": {"size": SIDE}, "calibration": {"temperature": 0.5}, **extra,
        "files": {}, **changes})
    sign(folder)
    return folder


def make_vocabulary(folder, *, space="colours", vectors=VECTORS, labels=LABELS, **changes):
    """A vocabulary folder: colour, and below it crimson (as ``red``) and navy (as ``blue``)."""
    folder.mkdir(parents=True)
    np.save(folder / "vectors.npy", vectors)
    (folder / "labels.jsonl").write_text("".join(label.to_json() + "\n" for label in labels))
    folders.write_manifest(VOCABULARY, folder, {
        "name": folder.name, "version": "1", "space": space, "dimension": vectors.shape[1],
        "labels": len(labels), **changes,
        "files": folders.describe_files(folder, "vectors.npy", "labels.jsonl")})
    return folder


def sign(folder):
    """Bring the hashes in a model's manifest up to date."""
    manifest = json.loads((folder / "model.json").read_text())
    names = [name for name in ("encoder.onnx", "label_encoder.onnx", "tokenizer.json")
             if (folder / name).exists()]
    manifest["files"] = folders.describe_files(folder, *names)
    (folder / "model.json").write_text(json.dumps(manifest))
