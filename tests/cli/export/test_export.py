"""``zsl export`` end to end on a small network: what it writes computes what PyTorch computes."""

import json
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

import onnx
import text_model
import torch
from export_runs import refused, run
from small_export import ARCH, SIDE, furnish, make_plan, normalised

from zsl_cli import Classifier, Model, Vocabulary
from zsl_cli.authoring.exporting import export
from zsl_cli.authoring.networks.network import Input
from zsl_cli.authoring.networks.origins.own import TrainingCheckpoint
from zsl_cli.authoring.networks.projection import Projection
from zsl_cli.cli.export import command
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.support.preprocessing import Preprocessing
from zsl_cli.vocabulary.names.label import Label

pytestmark = pytest.mark.usefixtures("operators_made_once")


@pytest.fixture(scope="session")
def finished(small, environment, tmp_path_factory):
    """A folder like ``workplace`` after an export by the real command line into small-model, and
    what that said; do not change it."""
    folder = furnish(tmp_path_factory.mktemp("finished"), small)
    (folder / "names.txt").write_text("".join(f"thing {n}\n" for n in range(12)))
    (folder / "sources.json").write_text(
        '[{"name": "Small", "license": "MIT", "url": "https://example.org"}]')
    result = subprocess.run(
        [sys.executable, "-m", "zsl_cli", "export", "small.pth", *ARCH, "--class-names",
         "names.txt", "--license", "MIT", "--sources", "sources.json"],
        cwd=folder, env=environment, capture_output=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr.decode()
    assert result.stdout == b""
    return folder, result.stderr.decode()


def test_without_m_the_classifiers_rows_are_the_labels_and_its_probabilities_the_scores(
        finished, small, photos):
    folder, steps = finished
    for part in ("features of 48 (penultimate, input of 15)", "ONNX Runtime agrees with PyTorch",
                 "its own vocabulary of 12 labels", "wrote small-model",
                 "confidences are by the default rule, not fitted to photos: zsl models calibrate "
                 "small-model PHOTOS --force fits them\n",
                 "now: zsl classify photo.jpg --model small-model\n"):
        assert part in steps
    assert sorted(path.name for path in (folder / "small-model").iterdir()) == [
        "README.md", "encoder.onnx", "model.json", "vocab"]
    classifier = Classifier.load(folder / "small-model", device="cpu")
    with torch.inference_mode():
        expected = small[0](normalised(classifier.model, photos)).softmax(dim=1).numpy()
    for found, wanted in zip(classifier.classify(photos, top=12), expected, strict=True):
        scores = {label.name: label.score for label in found.labels}
        np.testing.assert_allclose([scores[f"thing {n}"] for n in range(12)], wanted,
                                   atol=2e-4)  # embeddings are answered as float16


def test_the_result_runs_at_once(zsl, finished, cat_jpg):
    folder, _ = finished
    result = zsl("classify", str(cat_jpg), "--model", "small-model", "--jsonl", "--top", "2",
                 cwd=folder)
    assert result.returncode == 0, result.stderr.decode()
    record = json.loads(result.stdout)
    assert [label["label"].startswith("thing ") for label in record["labels"]] == [True, True]
    assert zsl("models", "verify", "small-model", cwd=folder).returncode == 0


def test_a_folder_that_is_there_is_not_replaced_unasked(finished):
    folder, _ = finished
    with pytest.raises(ZslError, match="small-model exists; give --force"):
        run(folder, "small.pth", *ARCH)


def test_m_maps_into_the_space_of_a_vocabulary(workplace, small, photos, word_vectors):
    folder, _ = word_vectors
    layer = torch.nn.Linear(48, 10)
    torch.save(layer.state_dict(), workplace / "M.pt")
    run(workplace, "small.pth", *ARCH, "-o", "out", "--projection", "M.pt", "--vocab",
        str(folder), "--temperature", "0.2")
    model = Model.load(workplace / "out", device="cpu")
    assert (model.space, model.dimension) == ("words-10", 10)
    assert model.manifest.entries["calibration"]["temperature"] == 0.2
    assert model.manifest.entries["parity"]["float32"]["top_10"] == 1.0
    with torch.inference_mode():
        features = small[0][:-1](normalised(model, photos))
        expected = torch.nn.functional.normalize(layer(features)).numpy()
    np.testing.assert_allclose(model.embed(photos), expected, atol=1e-5)
    rows, _ = Vocabulary.load(folder).search(expected, k=1)
    classifier = Classifier.load(workplace / "out", folder, device="cpu")
    assert [p.labels[0].id for p in classifier.classify(photos)] == [row[0] for row in rows]


def test_a_training_checkpoint_brings_everything(workplace, small, photos, word_vectors):
    m = Projection(np.random.default_rng(1).normal(size=(10, 48)).astype(np.float32),
                   space="words-10", score_temperature=0.1)
    given = Input(Preprocessing(40, crop=0.8, interpolation="bilinear", fit="squash"),
                  (127.0,), (64.0,))
    (workplace / "run").mkdir()
    TrainingCheckpoint("small_network:make", small[0].state_dict(), m, given).save(
        workplace / "run" / "checkpoint.pt")
    said = refused(workplace, "run/checkpoint.pt", "-o", "done")
    assert "zsl runs none because a checkpoint names it; if it is yours, give --arch" in said
    arch = ("--arch", "small_network:make")
    assert "says what it is" in refused(workplace, "run/checkpoint.pt", "--arch", "timm:resnet18")
    run(workplace, "run/checkpoint.pt", "-o", "done", *arch)
    model = Model.load(workplace / "done", device="cpu")
    assert model.space == "words-10"
    assert model.preprocessing == given.preprocessing
    assert model.calibration.temperature == 0.1
    with torch.inference_mode():
        features = small[0][:-1](normalised(model, photos)).numpy()
    expected = features @ m.features.T
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(model.embed(photos), expected, atol=1e-5)
    state = torch.load(workplace / "run" / "checkpoint.pt", weights_only=True)
    torch.save({**state, "version": 9}, workplace / "new.pt")
    assert "version 9" in refused(workplace, "new.pt")
    del state["preprocessing"]
    torch.save(state, workplace / "damaged.pt")
    assert "damaged training checkpoint" in refused(workplace, "damaged.pt", *arch)


@pytest.mark.slow
def test_forms_agree_and_are_compared_in_one_table(workplace, capsys):
    run(workplace, "small.pth", *ARCH, "-o", "out", "--compare", "--quantize", "int8")
    table = capsys.readouterr().out
    for part in ("float32", "fp16", "int8", "MB", "images/s", "1.00 x", "same ten labels"):
        assert part in table
    manifest = json.loads((workplace / "out" / "model.json").read_text())
    assert manifest["weights"] == "int8"
    assert manifest["parity"].keys() == {"float32", "int8"}
    assert manifest["parity"]["int8"]["mean_cosine"] > 0.98
    operators = {node.op_type for node in onnx.load(workplace / "out" / "encoder.onnx").graph.node}
    assert "DequantizeLinear" in operators


def test_half_precision_weights_are_half_as_large_and_the_head_stays_in_float32(
        workplace, finished, photos):
    manifest = export(make_plan(workplace, output="half", quantize="fp16")).manifest
    assert manifest.entries["parity"]["fp16"]["min_cosine"] > 0.999
    graph = onnx.load(workplace / "half" / "encoder.onnx").graph
    kinds = {tensor.data_type for tensor in graph.initializer if np.prod(tensor.dims) > 100}
    assert kinds == {onnx.TensorProto.FLOAT16}
    assert graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.FLOAT
    a, b = (Model.load(folder, device="cpu").embed(photos)
            for folder in (finished[0] / "small-model", workplace / "half"))
    assert (a * b).sum(1).min() > 0.9999


def test_the_file_itself_says_what_it_is(finished):
    folder = finished[0] / "small-model"
    manifest = json.loads((folder / "model.json").read_text())
    model = onnx.load(folder / "encoder.onnx")
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert said["zsl.space"] == manifest["space"]
    assert said["zsl.dimension"] == "51"
    assert said["zsl.checkpoint_sha256"] == folders.sha256(finished[0] / "small.pth")
    assert said["zsl.license"] == "MIT"
    assert "Small (MIT, https://example.org)" in said["zsl.sources"]
    assert [entry.version for entry in model.opset_import if not entry.domain] == [18]
    assert [output.name for output in model.graph.output] == ["embedding"]
    assert not [tensor for tensor in model.graph.initializer if tensor.external_data]
    card = (folder / "README.md").read_text()
    for part in ("small_network:make", "| licence | MIT |", "ONNX Runtime with PyTorch",
                 manifest["checkpoint"]["sha256"], "48 x 48 pixels, crop"):
        assert part in card


def test_a_dry_run_says_what_was_recognised_and_writes_nothing(workplace, capsys):
    before = sorted(workplace.iterdir())
    run(workplace, "small.pth", *ARCH, "--mean", "0.5", "--std", "0.5", "--dry-run")
    shown = dict(line.split("  ", 1) for line in capsys.readouterr().out.splitlines())
    shown = {name.strip(): value.strip() for name, value in shown.items()}
    assert shown["architecture"] == "small_network:make"
    assert shown["features"] == "48 (penultimate, input of 15)"
    assert shown["embedding"].startswith("51 dimensions")
    assert shown["input"] == "48 x 48, crop, share 0.9, bicubic"
    assert (shown["mean"], shown["std"]) == ("0.5 (of 0 to 1)", "0.5 (of 0 to 1)")
    assert sorted(path for path in workplace.iterdir() if path.name != "__pycache__") == before


def test_a_pickle_with_code_runs_only_when_it_is_trusted(workplace, small, capsys):
    torch.save(small[0], workplace / "whole.pth")
    assert "--trust-pickle" in refused(workplace, "whole.pth", "--size", str(SIDE))
    run(workplace, "whole.pth", "--size", str(SIDE), "--trust-pickle", "-o", "out")
    assert "warning: --trust-pickle runs whatever code is in whole.pth" in capsys.readouterr().err
    assert (workplace / "out" / "model.json").exists()


@pytest.mark.parametrize(("given", "expected"), [
    (("--mean", "0.5", "--std", "0.25"), ((0.5,), (0.25,))),
    (("--mean", "127,116,104", "--std", "1"), ((127, 116, 104), (1,))),
    (("--std", "58,57,57"), (None, (58, 57, 57)))])
def test_mean_and_std_are_one_number_or_three(workplace, given, expected, monkeypatch):
    from zsl_cli.authoring.exporting import plan

    seen = []
    monkeypatch.setattr(plan, "make", lambda request: seen.append(request) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        command.main([str(workplace / "small.pth"), *ARCH, *given, "--dry-run"],
                     standalone_mode=False)
    assert (seen[0].hints.input.mean, seen[0].hints.input.std) == expected


def test_what_is_said_at_the_end_can_be_pasted_or_is_no_command(workplace, capsys):
    np.save(workplace / "M.npy", np.eye(4, 48, dtype=np.float32))
    arguments = ("small.pth", *ARCH, "--projection", "M.npy", "--space", "mine", "--force")
    run(workplace, *arguments)
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == ("zsl: no vocabulary is known whose labels it could give: zsl classify wants "
                    "one of the space 'mine', named with --vocab")
    text_model.make_vocabulary(workplace / "vocab", vectors=np.eye(4, dtype=np.float32),
                               labels=[Label(id_, id_) for id_ in "abcd"], space="mine")
    run(workplace, *arguments)
    said = capsys.readouterr().err.splitlines()[-1]
    assert said == "zsl: now: zsl classify photo.jpg --model small-model --vocab vocab"
