"""``zsl export`` end to end on a small network: what it writes computes what PyTorch computes, and
what cannot be written leaves nothing."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

import click  # noqa: E402
from networks import lively  # noqa: E402

from zsl_cli import Classifier, Model, Vocabulary  # noqa: E402
from zsl_cli.authoring.exporting import export, heads, plan  # noqa: E402
from zsl_cli.authoring.networks.network import Input, InputOptions  # noqa: E402
from zsl_cli.authoring.networks.origins.own import TrainingCheckpoint  # noqa: E402
from zsl_cli.authoring.networks.projection import Projection  # noqa: E402
from zsl_cli.authoring.networks.recognise import Hints  # noqa: E402
from zsl_cli.cli.export import command  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402
from zsl_cli.support import folders  # noqa: E402
from zsl_cli.support.manifests import Preprocessing  # noqa: E402
from zsl_cli.vocabulary import writing  # noqa: E402
from zsl_cli.vocabulary.vocabulary import Label  # noqa: E402

NETWORK = '''
import torch
from torch import nn


def make(classes=12):
    return nn.Sequential(
        nn.Conv2d(3, 16, 5, 2), nn.BatchNorm2d(16), nn.ReLU(),
        nn.Conv2d(16, 24, 3, 2), nn.BatchNorm2d(24), nn.ReLU(),
        nn.Conv2d(24, 24, 3, groups=24), nn.Conv2d(24, 32, 1), nn.ReLU6(),
        nn.Conv2d(32, 32, 1), nn.ReLU6(), nn.Conv2d(32, 48, 1), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(48, classes))


class Frozen(nn.Module):
    """Its code ties the batch to that of the example."""

    def forward(self, pixels):
        return pixels.reshape(2, -1)[:, :8] if pixels.shape[0] == 2 else pixels[:1, 0, 0, :8]


class Odd(nn.Module):
    """An operator that ONNX does not have."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.eye(3))

    def forward(self, pixels):
        return torch.linalg.eigvals(pixels.mean(3)[:, :, :3] @ self.weight).real
'''
pytestmark = pytest.mark.usefixtures("operators_made_once")

SIDE = 48
ARCH = ("--arch", "small_network:make", "--size", str(SIDE), "--crop", "0.9")


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """The network of NETWORK with weights that tell images apart."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "small_network.py").write_text(NETWORK)
    namespace = {}
    exec(NETWORK, namespace)  # our own text, above
    network = lively(namespace["make"]())
    torch.save(network.state_dict(), folder / "small.pth")
    return network, folder / "small.pth", namespace


def furnish(folder, small):
    """The folder, with the network's module and checkpoint in it."""
    for name in ("small_network.py", "small.pth"):
        shutil.copy(small[1].parent / name, folder / name)
    return folder


@pytest.fixture
def workplace(small, tmp_path):
    """The folder in which ``zsl`` runs, with the network's module and checkpoint in it."""
    return furnish(tmp_path, small)


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


def run(workplace, *arguments):
    """``zsl export`` in this process: torch takes its time to start."""
    os.chdir(workplace)
    command.main([*arguments], standalone_mode=False)


def normalised(model, sources):
    """What a network of these tests takes, from what the model's ``read`` gives."""
    mean, std = (torch.tensor(model.manifest["normalisation"][name]).view(1, -1, 1, 1)
                 for name in ("mean", "std"))
    pixels = torch.from_numpy(np.stack([model.read(source) for source in sources]))
    return (pixels.permute(0, 3, 1, 2).float() - mean) / std


@pytest.fixture(scope="session")
def photos(skimage_photos):
    """Real photographs as Pillow images."""
    found = []
    for name in ("chelsea.png", "coffee.png", "rocket.jpg", "astronaut.png"):
        with Image.open(skimage_photos / name) as image:
            found.append(image.convert("RGB"))
    return found


def test_without_m_the_classifiers_rows_are_the_labels_and_its_probabilities_the_scores(
        finished, small, photos):
    folder, steps = finished
    for part in ("features of 48 (penultimate, input of 15)", "ONNX Runtime agrees with PyTorch",
                 "its own vocabulary of 12 labels", "wrote small-model",
                 "now: zsl classify photo.jpg --model small-model\n"):
        assert part in steps
    assert sorted(path.name for path in (folder / "small-model").iterdir()) == [
        "README.md", "encoder.onnx", "model.json", "vocab"]
    classifier = Classifier.load(folder / "small-model", device="cpu")
    with torch.inference_mode():
        expected = small[0](normalised(classifier.model, photos)).softmax(dim=1).numpy()
    for found, wanted in zip(classifier.classify(photos, top=12), expected, strict=True):
        scores = {label.name: label.score for label in found.labels}
        np.testing.assert_allclose([scores[f"thing {n}"] for n in range(12)], wanted, atol=2e-5)


def test_the_result_runs_at_once(zsl, finished, cat_jpg):
    folder, _ = finished
    result = zsl("classify", str(cat_jpg), "--model", "small-model", "--jsonl", "--top", "2",
                 cwd=folder)
    assert result.returncode == 0, result.stderr.decode()
    record = json.loads(result.stdout)
    assert [label["label"].startswith("thing ") for label in record["labels"]] == [True, True]
    assert zsl("models", "verify", "small-model", cwd=folder).returncode == 0


def test_a_folder_that_is_there_is_not_replaced_unasked(zsl, finished):
    folder, _ = finished
    again = zsl("export", "small.pth", *ARCH, cwd=folder)
    assert again.returncode == 2
    assert b"small-model exists; give --force" in again.stderr


@pytest.fixture(scope="session")
def word_vectors(tmp_path_factory):
    """A vocabulary folder of six words, and their vectors ``[6, 10]``."""
    vectors = np.random.default_rng(0).normal(size=(6, 10)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    folder = tmp_path_factory.mktemp("vocab") / "words"
    folder.mkdir()
    labels = [Label(name, name) for name in ("cat", "cup", "rocket", "woman", "tree", "sea")]
    writing.write(folder, "words", "words-10", labels, vectors)
    return folder, vectors


def test_m_maps_into_the_space_of_a_vocabulary(workplace, small, photos, word_vectors):
    folder, _ = word_vectors
    layer = torch.nn.Linear(48, 10)
    torch.save(layer.state_dict(), workplace / "M.pt")
    run(workplace, "small.pth", *ARCH, "-o", "out", "--projection", "M.pt", "--vocab",
        str(folder), "--temperature", "0.2")
    model = Model.load(workplace / "out", device="cpu")
    assert (model.space, model.dimension) == ("words-10", 10)
    assert model.manifest["calibration"]["temperature"] == 0.2
    assert model.manifest["parity"]["float32"]["top_10"] == 1.0
    with torch.inference_mode():
        features = small[0][:-1](normalised(model, photos))
        expected = torch.nn.functional.normalize(layer(features)).numpy()
    np.testing.assert_allclose(model.embed(photos), expected, atol=1e-5)
    rows, _ = Vocabulary.load(folder).search(expected, k=1)
    classifier = Classifier.load(workplace / "out", folder, device="cpu")
    assert [p.labels[0].id for p in classifier.classify(photos)] == [row[0] for row in rows]


def test_a_network_that_ends_in_the_space_needs_no_m(workplace, photos, word_vectors):
    namespace = {}
    exec(NETWORK, namespace)
    network = lively(namespace["make"](10))
    torch.save(network.state_dict(), workplace / "deep.pth")
    planned = make_plan(workplace, "deep.pth", vocabulary=str(word_vectors[0]))
    assert (planned.kind, planned.features.where, planned.dimension) == ("embedding", "output", 10)
    export.export(planned, workplace / "deep")
    model = Model.load(workplace / "deep", device="cpu")
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(network(normalised(model, photos))).numpy()
    np.testing.assert_allclose(model.embed(photos), expected, atol=1e-5)


def make_plan(workplace, checkpoint="small.pth", **options):
    os.chdir(workplace)
    hints = Hints("small_network:make", InputOptions(size=SIDE, crop=0.9))
    return plan.make(plan.Request(workplace / checkpoint, "small",
                                  options.pop("hints", hints), **options))


@pytest.fixture(autouse=True)
def back():
    here = os.getcwd()
    yield
    os.chdir(here)


def test_m_with_all_its_parts_computes_what_its_formula_says(workplace, small, photos):
    numbers = np.random.default_rng(0)
    m = Projection(numbers.normal(size=(8, 48)).astype(np.float32),
                   numbers.normal(size=(8, 12)).astype(np.float32),
                   numbers.normal(size=8).astype(np.float32), space="test", temperature=0.7,
                   radius=20.0, score_temperature=0.5, unit_features=True)
    manifest, _ = export.export(make_plan(workplace, projection=m), workplace / "out")
    assert (manifest["space"], manifest["dimension"]) == ("test", 9)
    assert manifest["calibration"] == {"temperature": 0.5, "neighbours": 100}
    model = Model.load(workplace / "out", device="cpu")
    with torch.inference_mode():
        features = small[0][:-1](normalised(model, photos))
        probabilities = (small[0][-1](features) / 0.7).softmax(1).numpy()
        features = torch.nn.functional.normalize(features).numpy()
    expected = features @ m.features.T + probabilities @ m.posterior.T + m.bias
    slack = np.sqrt(400 - np.square(expected).sum(1, keepdims=True))
    expected = np.hstack([expected, slack]) / 20
    np.testing.assert_allclose(model.embed(photos), expected, atol=1e-5)
    np.testing.assert_allclose(model.embed(photos[:1]), expected[:1], atol=1e-5)


def test_a_training_checkpoint_brings_everything(workplace, small, photos, word_vectors):
    m = Projection(np.random.default_rng(1).normal(size=(10, 48)).astype(np.float32),
                   space="words-10", score_temperature=0.1)
    given = Input(Preprocessing(40, crop=0.8, interpolation="bilinear", fit="squash"),
                  (127.0,), (64.0,))
    (workplace / "run").mkdir()
    TrainingCheckpoint("small_network:make", small[0].state_dict(), m, given).save(
        workplace / "run" / "checkpoint.pt")
    run(workplace, "run/checkpoint.pt", "-o", "done")
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
    assert "damaged training checkpoint" in refused(workplace, "damaged.pt")


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
    manifest, _ = export.export(make_plan(workplace, form="fp16"), workplace / "half")
    assert manifest["parity"]["fp16"]["min_cosine"] > 0.999
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


def test_a_dry_run_says_what_was_recognised_and_writes_nothing(zsl, workplace):
    before = sorted(workplace.iterdir())
    result = zsl("export", "small.pth", *ARCH, "--mean", "0.5", "--std", "0.5", "--dry-run")
    assert result.returncode == 0, result.stderr.decode()
    shown = dict(line.split("  ", 1) for line in result.stdout.decode().splitlines())
    shown = {name.strip(): value.strip() for name, value in shown.items()}
    assert shown["architecture"] == "small_network:make"
    assert shown["features"] == "48 (penultimate, input of 15)"
    assert shown["embedding"].startswith("51 dimensions")
    assert shown["input"] == "48 x 48, crop, share 0.9, bicubic"
    assert (shown["mean"], shown["std"]) == ("0.5 (of 0 to 1)", "0.5 (of 0 to 1)")
    assert sorted(path for path in workplace.iterdir() if path.name != "__pycache__") == before


# what cannot be exported ----------------------------------------------------------------------


def refused(workplace, *arguments):
    """The message of an export that fails and leaves nothing behind."""
    before = {path.name for path in workplace.iterdir()}
    with pytest.raises((ZslError, click.UsageError)) as caught:
        run(workplace, *arguments, "-o", "out")
    assert {path.name for path in workplace.iterdir()} - {"__pycache__"} == before
    return str(caught.value)


def test_a_refusal_is_one_line_and_status_2(zsl, workplace):
    result = zsl("export", "small.pth", *ARCH, "--feature-node", "99")
    assert (result.returncode, result.stdout) == (2, b"")
    assert len(result.stderr.splitlines()) == 1
    assert result.stderr.startswith(b"zsl: --feature-node 99: the network has no such module")


@pytest.mark.parametrize(("arguments", "message"), [
    (("none.pth",), "none.pth: no such file or folder"),
    (("small.pth",), "do not say which network they belong to; name it with --arch"),
    (("small.pth", "--arch", "resnet"), "unknown architecture 'resnet'"),
    (("small.pth", "--arch", "small_network:none"), "has no attribute 'none'"),
    (("small.pth", "--arch", "no_such_module:make"), "No module named 'no_such_module'"),
    (("small.pth", "--arch", "os:getcwd"), "it returns a str, not a torch.nn.Module"),
    (("small.pth", *ARCH, "--feature-node", "99"), "no such module"),
    (("small.pth", *ARCH, "--vocab-labels", "default"), "--vocab-labels needs a checkpoint with"),
    (("small.pth", *ARCH, "--projection", "narrow.npy"), r"is [5, 40], and the network wants "
     "[D, 48]"),
    (("small.pth", *ARCH, "--projection", "wide.npy", "--vocab", "WORDS"),
     "the embedding has 5 dimensions, and the label vectors"),
    (("small.pth", *ARCH, "--class-names", "two.txt"), "12 classes, and 2 names are given"),
    (("small.pth", *ARCH, "--mean", "1,2"), "one number or three"),
    (("small.pth", *ARCH, "--std", "0"), "std must be above 0"),
    (("empty.pth", "--arch", "small_network:Frozen"), "cannot be exported to ONNX"),
    (("odd.pth", "--arch", "small_network:Odd"), "cannot be exported to ONNX"),
    (("nan.pth", *ARCH), "hold NaN or infinity: 3.weight"),
    (("huge.pth", *ARCH), "gives NaN or infinity for photographs"),
    (("cut.pth", *ARCH), "cut.pth: cannot be read as a checkpoint"),
    (("page.pth", *ARCH), "a web page; download it again"),
    (("complex.pth", *ARCH), "no real numbers: 3.weight (torch.complex64)"),
    (("small.pth", *ARCH, "--calibration-images", "nothing"), "nothing: no photograph there"),
    (("small.pth", *ARCH, "--template", "a {}"), "--template is for the labels of a text tower"),
])
def test_what_cannot_be_exported_is_said_and_nothing_is_left(
        workplace, small, word_vectors, arguments, message):
    state = small[0].state_dict()
    np.save(workplace / "narrow.npy", np.ones((5, 40), np.float32))
    np.save(workplace / "wide.npy", np.ones((5, 48), np.float32))
    (workplace / "two.txt").write_text("one\ntwo\n")
    torch.save({"a": torch.ones(1)}, workplace / "empty.pth")
    torch.save({"weight": torch.eye(3)}, workplace / "odd.pth")
    torch.save({**state, "3.weight": state["3.weight"] * float("nan")}, workplace / "nan.pth")
    torch.save({**state, "3.weight": state["3.weight"] * 1e38}, workplace / "huge.pth")
    torch.save({**state, "3.weight": state["3.weight"] * 1j}, workplace / "complex.pth")
    (workplace / "page.pth").write_text("<!DOCTYPE html>")
    (workplace / "nothing").mkdir()
    (workplace / "cut.pth").write_bytes((workplace / "small.pth").read_bytes()[:5000])
    if "Frozen" in arguments[-1]:  # it has no weights at all
        torch.save({"state_dict": {"a": torch.ones(1)}}, workplace / "empty.pth")
        message = "these weights are not small_network:Frozen's; 1 unexpected: a"
    arguments = [str(word_vectors[0]) if part == "WORDS" else part for part in arguments]
    assert message in refused(workplace, *arguments)


def test_an_encoder_that_does_not_agree_with_pytorch_is_not_written(workplace, monkeypatch):
    real = heads.OfClasses.forward
    calls = []

    def drifting(self, features):
        calls.append(1)  # what is traced last is not what PyTorch gave before
        return real(self, features.flip(1) if len(calls) > 17 else features)

    monkeypatch.setattr(heads.OfClasses, "forward", drifting)
    with pytest.raises(ZslError, match="does not agree with PyTorch: min cosine"):
        export.export(make_plan(workplace), workplace / "out")
    assert not [path for path in workplace.iterdir() if "out" in path.name]


def test_int8_below_its_gate_is_tried_in_other_ways_and_then_not_written(workplace, monkeypatch):
    from zsl_cli.authoring.exporting import parity

    monkeypatch.setitem(parity.GATES, "int8", parity.Gate(mean_cosine=0.99999999))
    said = []
    with pytest.raises(ZslError, match="int8 does not agree with float32: mean cosine"):
        export.export(make_plan(workplace, form="int8"), workplace / "out", say=said.append)
    tried = [line for line in said if line.startswith("int8: ")]
    assert tried == ["int8: weights and activations", "int8: weights and inputs of the "
                     "convolutions that mix channels", "int8: weights alone"]
    found = [float(line.split("mean ")[1].split(",")[0]) for line in said if "int8 against" in line]
    assert min(found) > 0.98
    assert not [path for path in workplace.iterdir() if "out" in path.name]


def test_a_full_disk_leaves_nothing_half_made(zsl, workplace, small):
    """On a real file system of 300 kB."""
    disk = workplace / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)],
                             capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    try:
        (disk / "filler").write_bytes(bytes(270_000))
        result = zsl("export", "small.pth", *ARCH, "-o", "disk/out", timeout=300)
        assert result.returncode == 2
        assert b"No space left on device" in result.stderr
        assert [path.name for path in disk.iterdir()] == ["filler"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_pickle_with_code_runs_only_when_it_is_trusted(workplace, small, capsys):
    torch.save(small[0], workplace / "whole.pth")
    assert "--trust-pickle" in refused(workplace, "whole.pth", "--size", str(SIDE))
    run(workplace, "whole.pth", "--size", str(SIDE), "--trust-pickle", "-o", "out")
    assert "warning: --trust-pickle runs whatever code is in whole.pth" in capsys.readouterr().err
    assert (workplace / "out" / "model.json").exists()


def test_force_replaces_nothing_but_a_model_folder(workplace):
    (workplace / "thesis").mkdir()
    (workplace / "thesis" / "thesis.txt").write_text("years of work")
    (workplace / "file").write_text("text")
    shutil.copy(workplace / "small.pth", workplace / "thesis" / "small.pth")
    (workplace / "full").mkdir()
    shutil.copy(workplace / "small.pth", workplace / "full" / "small.pth")
    (workplace / "full" / "model.json").write_text("{}")
    os.chdir(workplace)
    for checkpoint, target, message in (
            ("small.pth", "thesis", "is no model or vocabulary folder"),
            ("small.pth", "file", "is no model or vocabulary folder"),
            ("small.pth", ".", "is no model or vocabulary folder"),
            ("full/small.pth", "full", "lies in full, which would be replaced")):
        with pytest.raises(ZslError, match=message):
            command.main([checkpoint, *ARCH, "-o", target, "--force"], standalone_mode=False)
    assert (workplace / "thesis" / "thesis.txt").read_text() == "years of work"
    assert (workplace / "file").read_text() == "text"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_an_interrupted_export_leaves_nothing(environment, workplace, name):
    before = {path.name for path in workplace.iterdir()}
    process = subprocess.Popen(
        [sys.executable, "-m", "zsl_cli", "export", "small.pth", *ARCH, "-o", "deep/er/out"],
        cwd=workplace, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    while not list(workplace.glob("deep/er/.out*/scratch")) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(getattr(signal, name))
    _, err = process.communicate(timeout=60)
    assert process.returncode == 128 + getattr(signal, name), err
    assert b"Traceback" not in err
    assert {path.name for path in workplace.iterdir()} - {"__pycache__"} == before


def test_spaces_that_differ_are_not_taken_for_one(workplace, word_vectors):
    numbers = np.ones((10, 48), np.float32)
    with pytest.raises(ZslError, match="M maps into the space 'other', and the vocabulary is of"):
        make_plan(workplace, projection=Projection(numbers, space="other"),
                  vocabulary=str(word_vectors[0]))
    names = {make_plan(workplace, **options).space for options in (
        {}, {"features_from": "output"}, {"feature_node": "12"}, {"feature_node": "10"},
        {"projection": Projection(numbers)},
        {"projection": Projection(numbers, bias=np.ones(10, np.float32))},
        {"hints": Hints("small_network:make", InputOptions(size=SIDE, crop=0.8))})}
    assert len(names) == 7


@pytest.mark.parametrize(("given", "expected"), [
    (("--mean", "0.5", "--std", "0.25"), ((127.5,), (63.75,))),
    (("--mean", "127,116,104", "--std", "1"), ((127, 116, 104), (1,))),
    (("--std", "58,57,57"), (None, (58, 57, 57)))])
def test_mean_and_std_are_of_one_unit(workplace, given, expected, monkeypatch):
    from zsl_cli.authoring.exporting import plan as planning

    seen = []
    monkeypatch.setattr(planning, "make", lambda request: seen.append(request) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        command.main([str(workplace / "small.pth"), *ARCH, *given, "--dry-run"],
                     standalone_mode=False)
    assert (seen[0].hints.input.mean, seen[0].hints.input.std) == expected


def test_force_replaces_a_folder_and_a_failure_keeps_the_old_one(workplace):
    (workplace / "out").mkdir()
    (workplace / "out" / "old").write_text("old")
    (workplace / "out" / "model.json").write_text("{}")
    assert "no such module" in refused(workplace, "small.pth", *ARCH, "--force",
                                       "--feature-node", "99")
    assert (workplace / "out" / "old").exists()
    run(workplace, "small.pth", *ARCH, "-o", "out", "--force")
    assert not (workplace / "out" / "old").exists()
    assert (workplace / "out" / "model.json").exists()


def test_a_model_whose_graph_is_another_is_refused(tmp_path):
    folder = shutil.copytree(folders.embedded(folders.MODEL) / "default", tmp_path / "model")
    manifest = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**manifest, "dimension": 7}))
    with pytest.raises(ZslError, match=r"expected an output, embedding, \[batch, 7\]"):
        Model.load(folder, device="cpu")
    (folder / "encoder.onnx").write_bytes(b"no graph")
    manifest["files"] |= folders.describe_files(folder, "encoder.onnx")
    (folder / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(ZslError, match="cannot load it"):
        Model.load(folder, device="cpu")
