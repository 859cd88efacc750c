"""An exported encoder computes what PyTorch computes, or is not written."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

import torch
from lines import Lines
from networks import lively
from small_export import NETWORK, SIDE, make_plan, normalised

from zsl_cli import Model
from zsl_cli.authoring.exporting import export, heads
from zsl_cli.authoring.networks.hints import Hints, InputOptions
from zsl_cli.authoring.networks.projection import Projection
from zsl_cli.errors import ZslError
from zsl_cli.support.calibration import Calibration

pytestmark = pytest.mark.usefixtures("operators_made_once")


def test_a_network_that_ends_in_the_space_needs_no_m(workplace, photos, word_vectors):
    namespace = {}
    exec(NETWORK, namespace)
    network = lively(namespace["make"](10))
    torch.save(network.state_dict(), workplace / "deep.pth")
    planned = make_plan(workplace, "deep.pth", "deep", vocabulary=str(word_vectors[0]))
    assert (planned.kind, planned.features.where, planned.dimension) == ("embedding", "output", 10)
    export(planned)
    model = Model.load(workplace / "deep", device="cpu")
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(network(normalised(model, photos))).numpy()
    np.testing.assert_allclose(model.embed(photos), expected, atol=1e-5)


def test_m_with_all_its_parts_computes_what_its_formula_says(workplace, small, photos):
    numbers = np.random.default_rng(0)
    m = Projection(numbers.normal(size=(8, 48)).astype(np.float32),
                   numbers.normal(size=(8, 12)).astype(np.float32),
                   numbers.normal(size=8).astype(np.float32), space="test", temperature=0.7,
                   radius=20.0, score_temperature=0.5, unit_features=True)
    manifest = export(make_plan(workplace, projection=m)).manifest
    assert (manifest.space, manifest.dimension) == ("test", 9)
    assert manifest.calibration == Calibration(0.5, 100)
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


def test_an_encoder_that_does_not_agree_with_pytorch_is_not_written(workplace, monkeypatch):
    real = heads.OfClasses.forward
    calls = []

    def drifting(self, features):
        calls.append(1)  # what is traced last is not what PyTorch gave before
        return real(self, features.flip(1) if len(calls) > 17 else features)

    monkeypatch.setattr(heads.OfClasses, "forward", drifting)
    with pytest.raises(ZslError, match="does not agree with PyTorch: min cosine"):
        export(make_plan(workplace))
    assert not [path for path in workplace.iterdir() if "out" in path.name]


def test_int8_below_its_gate_is_tried_in_other_ways_and_then_not_written(workplace, monkeypatch):
    from zsl_cli.authoring.exporting import parity

    monkeypatch.setitem(parity.GATES, "int8", parity.Gate(mean_cosine=0.99999999))
    lines = Lines()
    with pytest.raises(ZslError, match="int8 does not agree with float32: mean cosine"):
        export(make_plan(workplace, quantize="int8"), lines)
    tried = [line for line in lines if line.startswith("int8: ")]
    assert tried == ["int8: weights and activations", "int8: weights and inputs of the "
                     "convolutions that mix channels", "int8: weights alone"]
    cosines = [float(line.split("mean ")[1].split(",")[0]) for line in lines
               if "int8 against" in line]
    assert min(cosines) > 0.98
    assert not [path for path in workplace.iterdir() if "out" in path.name]


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
