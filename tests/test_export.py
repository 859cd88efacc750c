"""A checkpoint → a model folder: parity with PyTorch, refusals, nothing half-made."""

import json
import shutil

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from zsl_cli import Model, folders  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402
from zsl_cli.exporting import parity  # noqa: E402
from zsl_cli.exporting.architectures import ARCHITECTURES  # noqa: E402
from zsl_cli.exporting.checkpoints import read_state_dict  # noqa: E402
from zsl_cli.exporting.projection import Projection  # noqa: E402

LITE0 = ARCHITECTURES["efficientnet-lite0"]


@pytest.fixture(scope="module")
def network():
    """EfficientNet-Lite0 with random weights whose activations stay lively."""
    torch.manual_seed(0)
    network = LITE0.build()
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, torch.nn.Conv2d):
                torch.nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return network.eval()


@pytest.fixture(scope="module")
def checkpoint(network, tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "lite0.pth"
    torch.save(network.state_dict(), path)
    return path


def projection(**changes):
    """A random projection into eight dimensions, with all its parts."""
    random = np.random.default_rng(0)
    parts = {"space": "test", "features": random.normal(size=(8, 1280)).astype(np.float32),
             "posterior": random.normal(size=(8, 1000)).astype(np.float32),
             "bias": random.normal(size=8).astype(np.float32), "temperature": 0.7,
             "radius": 20.0}
    return Projection(**{**parts, **changes})


@pytest.fixture(scope="module")
def projection_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("projection") / "M.npz"
    projection().save(path)
    return path


@pytest.mark.slow
def test_the_exported_model_computes_what_the_formula_says(
        zsl, checkpoint, projection_file, network, tmp_path, cat, coffee_png):
    result = zsl("export", str(checkpoint), "--projection", str(projection_file), "-o", "out",
                 "--temperature", "0.5", timeout=300)
    assert result.returncode == 0, result.stderr
    assert result.stdout == b""
    model = Model.load(tmp_path / "out", device="cpu")
    assert (model.dimension, model.space) == (9, "test")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "README.md", "encoder.onnx", "model.json"]
    assert "smallest cosine" in (tmp_path / "out" / "README.md").read_text()
    pixels = np.stack([model.read(cat), model.read(coffee_png)])
    with torch.inference_mode():
        images = (torch.from_numpy(pixels).permute(0, 3, 1, 2).float() - 127) / 128
        features = network.features(images)
        probabilities = (network.classifier(features) / 0.7).softmax(1).numpy()
        features = features.numpy()
    m = projection()
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    expected = unit @ m.features.T + probabilities @ m.posterior.T + m.bias
    slack = np.sqrt(20.0 ** 2 - np.square(expected).sum(1, keepdims=True))
    expected = np.hstack([expected, slack]) / 20
    for batch in (1, 2):
        got = parity.embed(tmp_path / "out" / "encoder.onnx", pixels, batch)
        np.testing.assert_allclose(got, expected, atol=2e-4)
    np.testing.assert_allclose(np.linalg.norm(got, axis=1), 1, atol=1e-5)
    assert json.loads((tmp_path / "out" / "model.json").read_text())["calibration"] == {
        "temperature": 0.5, "neighbours": 100}
    again = zsl("export", str(checkpoint), "--projection", str(projection_file), "-o", "out")
    assert again.returncode == 2
    assert b"--force" in again.stderr


def test_a_checkpoint_with_code_in_it_is_refused_and_not_run(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (print, ("code from the checkpoint ran",))

    torch.save({"model": Bomb()}, tmp_path / "bomb.pth")
    with pytest.raises(ZslError, match="runs no code"):
        read_state_dict(tmp_path / "bomb.pth")


@pytest.mark.parametrize("wrap", [
    lambda state: {"state_dict": state}, lambda state: {"model": state, "epoch": 3},
    lambda state: {f"module.{key}": value for key, value in state.items()}])
def test_wrapped_state_dicts_are_unwrapped(tmp_path, network, wrap):
    torch.save(wrap(network.state_dict()), tmp_path / "wrapped.pth")
    assert read_state_dict(tmp_path / "wrapped.pth").keys() == network.state_dict().keys()


def test_what_does_not_fit_is_listed_and_nothing_is_left(zsl, network, projection_file, tmp_path):
    state = network.state_dict()
    state["_fc.weight"] = torch.zeros(10, 1280)
    del state["_bn1.bias"]
    state["extra"] = torch.zeros(1)
    state["_conv_head.weight"] = state["_conv_head.weight"] * float("nan")
    torch.save(state, tmp_path / "bad.pth")
    result = zsl("export", "bad.pth", "--projection", str(projection_file), "-o", "out")
    assert result.returncode == 2
    message = result.stderr.decode()
    for part in ("1 missing: _bn1.bias", "1 unexpected: extra", "1 of another shape: _fc.weight",
                 "1 not finite: _conv_head.weight"):
        assert part in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no archive", b"text"])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path, data):
    (tmp_path / "bad.pth").write_bytes(data)
    with pytest.raises(ZslError, match="cannot be read as a checkpoint"):
        read_state_dict(tmp_path / "bad.pth")
    with pytest.raises(ZslError, match="no such file"):
        read_state_dict(tmp_path / "none.pth")


def test_a_projection_of_another_width_is_refused(zsl, checkpoint, tmp_path):
    projection(features=np.zeros((8, 512), np.float32)).save(tmp_path / "M.npz")
    result = zsl("export", str(checkpoint), "--projection", "M.npz", "-o", "out")
    assert result.returncode == 2
    assert b"wants [D, 1280]" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("arrays", [
    {"wrong": np.zeros((2, 2))}, {"features": np.array(["text"])},
    {"features": np.full((2, 2), np.nan)},
    {"features": np.zeros((2, 2)), "bias": np.zeros(3)}])
def test_a_file_that_is_no_projection_is_refused(tmp_path, arrays):
    np.savez(tmp_path / "M.npz", **arrays)
    with pytest.raises(ZslError):
        Projection.load(tmp_path / "M.npz")


def test_a_projection_comes_back_as_it_was_saved(tmp_path):
    projection(score_temperature=0.01).save(tmp_path / "M.npz")
    loaded = Projection.load(tmp_path / "M.npz")
    assert (loaded.space, loaded.temperature, loaded.radius, loaded.score_temperature) == (
        "test", 0.7, 20.0, 0.01)
    assert loaded.dimension == 9
    assert (loaded.features == projection().features).all()


def test_a_model_whose_graph_is_another_is_refused(tmp_path):
    folder = shutil.copytree(folders.embedded(folders.MODEL) / "default", tmp_path / "model")
    manifest = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps({**manifest, "dimension": 7}))
    with pytest.raises(ZslError, match=r"expected an output, embedding, \[batch, 7\]"):
        Model.load(folder, device="cpu")
    (folder / "encoder.onnx").write_bytes(b"no graph")
    manifest["files"] = folders.describe_files(folder, "encoder.onnx")
    (folder / "model.json").write_text(json.dumps(manifest))
    with pytest.raises(ZslError, match="cannot load it"):
        Model.load(folder, device="cpu")
