"""Weights go into the right network, and what does not fit is said; features are found."""

from collections import namedtuple

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from zsl_cli.authoring.networks import features, fitting  # noqa: E402
from zsl_cli.authoring.networks.weights import Weights  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402


class Small(nn.Module):
    """Two convolutions and a classifier."""

    def __init__(self, classes=7, width=6):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, bias=False)
        self.norm = nn.BatchNorm2d(4)
        self.last = nn.Conv2d(4, width, 1)
        self.fc = nn.Linear(width, classes)

    def forward(self, pixels):
        maps = self.last(self.norm(self.stem(pixels)).relu())
        return self.fc(maps.mean((2, 3)))


PIXELS = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def weights(state, tmp_path):
    return Weights(tmp_path / "w.pth", (tmp_path / "w.pth",), state)


def load(network, state, tmp_path, **options):
    return fitting.load(network, weights(state, tmp_path), "small", **options)


@pytest.mark.parametrize("prefix", ["", "module.", "model.backbone.", "_orig_mod.module."])
def test_weights_fit_under_any_prefix(tmp_path, prefix):
    source, target = Small().eval(), Small()
    notes = load(target, {prefix + key: value for key, value in source.state_dict().items()},
                 tmp_path)
    assert notes == []
    assert not target.training
    assert torch.equal(source(PIXELS), target(PIXELS))


def test_what_lies_outside_the_prefix_is_left_aside_and_said(tmp_path):
    state = {f"net.{key}": value for key, value in Small().state_dict().items()}
    notes = load(Small(), {**state, "loss.weight": torch.ones(2), "n_averaged": torch.ones(())},
                 tmp_path)
    assert notes == ["1 tensors outside 'net.' are left aside: loss.weight"]


@pytest.mark.parametrize("classes", [1, 120])
def test_the_classifier_takes_the_weights_number_of_classes(tmp_path, classes):
    source, target = Small(classes).eval(), Small()
    load(target, source.state_dict(), tmp_path)
    assert torch.equal(source(PIXELS), target(PIXELS))


def test_without_weights_for_the_classifier_the_network_ends_before_it(tmp_path):
    state = {key: value for key, value in Small().state_dict().items() if "fc" not in key}
    target = Small()
    notes = load(target, state, tmp_path)
    assert notes == ["no weights for the classifier fc: the network ends before it"]
    assert target(PIXELS).shape == (2, 6)


def test_half_precision_weights_become_float32(tmp_path):
    target = Small()
    load(target, {key: value.half() for key, value in Small().state_dict().items()
                  if value.is_floating_point()}, tmp_path)
    assert target(PIXELS).dtype == torch.float32


def test_what_does_not_fit_is_counted_and_listed(tmp_path):
    state = Small(width=9).state_dict()
    state |= {f"extra.{number}": torch.zeros(1) for number in range(12)}
    del state["norm.bias"]
    with pytest.raises(ZslError) as caught:
        load(Small(), state, tmp_path)
    message = str(caught.value)
    for part in ("these weights are not small's", "1 missing: norm.bias",
                 "12 unexpected: extra.0, ", "extra.7 and 4 more", "3 of another shape: "
                 "last.weight, last.bias, fc.weight"):
        assert part in message


def test_the_architecture_that_fits_is_suggested_and_no_other(tmp_path):
    others = [("bad", lambda: nn.Linear(2, 2)), ("broken", lambda: 1 / 0),
              ("wider", lambda: Small(width=9))]
    with pytest.raises(ZslError, match=r"; `architecture=wider` fits better$"):
        load(Small(), Small(width=9).state_dict(), tmp_path, others=lambda: others)
    with pytest.raises(ZslError) as caught:
        load(Small(), Small(width=9).state_dict(), tmp_path, others=lambda: others[:2])
    assert "fits better" not in str(caught.value)


def test_weights_that_are_not_finite_are_named(tmp_path):
    state = Small().state_dict()
    state["last.bias"][0] = float("nan")
    with pytest.raises(ZslError, match=r"NaN or infinity: last\.bias"):
        load(Small(), state, tmp_path)


def test_a_network_that_asks_for_the_release_of_its_weights_gets_it(tmp_path):
    class Asking(Small):
        _version = 2

        def _load_from_state_dict(self, state, prefix, metadata, *rest):
            if metadata.get("version") not in (1, 2):  # as MNASNet of torchvision does
                raise ValueError("version should be set to 1 or 2")
            super()._load_from_state_dict(state, prefix, metadata, *rest)

    source, target = Asking().eval(), Asking()
    load(target, source.state_dict(), tmp_path)
    assert torch.equal(source(PIXELS), target(PIXELS))


# features -----------------------------------------------------------------------------------


def test_penultimate_features_are_what_the_last_linear_layer_gets():
    network = Small().eval()
    expected = network(PIXELS)
    found = features.find(network, PIXELS)
    assert (found.width, found.where) == (6, "penultimate, input of fc")
    torch.testing.assert_close(found.classifier(found.body(PIXELS)), expected)


Output = namedtuple("Output", "aux logits")


@pytest.mark.parametrize("wrap", [
    lambda logits: {"aux": 1, "logits": logits}, lambda logits: (logits, None),
    lambda logits: [None, logits], lambda logits: Output(logits + 1, logits)])
def test_the_logits_are_found_in_what_a_network_returns(wrap):
    class Wrapped(Small):
        def forward(self, pixels):
            return wrap(super().forward(pixels))

    found = features.find(Wrapped().eval(), PIXELS)
    assert found.where == "penultimate, input of fc"
    assert found.body(PIXELS).shape == (2, 6)


def test_something_after_the_last_linear_layer_means_there_is_no_classifier():
    network = nn.Sequential(Small(), nn.Softmax(dim=1)).eval()
    assert features.find(network, PIXELS).where == "output"
    with pytest.raises(ZslError, match="`feature_node`, or take its output"):
        features.find(network, PIXELS, "penultimate")


def test_the_width_that_a_projection_wants_decides_between_output_and_penultimate():
    network = Small().eval()
    expected = network(PIXELS)
    found = features.find(network, PIXELS, width=7)
    assert (found.width, found.classifier) == (7, None)
    torch.testing.assert_close(found.body(PIXELS), expected)
    assert features.find(Small().eval(), PIXELS, width=6).width == 6


def test_a_module_can_be_named_and_feature_maps_are_averaged():
    network = Small().eval()
    found = features.find(network, PIXELS, node="norm")
    torch.testing.assert_close(found.body(PIXELS), network.norm(network.stem(PIXELS)).mean((2, 3)))
    with pytest.raises(ZslError, match="no such module; near it: norm"):
        features.find(network, PIXELS, node="nrm")
    with pytest.raises(ZslError, match=r"no such module$"):
        features.find(network, PIXELS, node="zzz")


@pytest.mark.parametrize(("network", "message"), [
    (nn.Sequential(nn.Flatten(), nn.Linear(5, 2)), "does not run on an image of"),
    (nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten(2)), r"is \[2, 4, 64\]; features must be")])
def test_a_network_that_gives_no_features_is_refused(network, message):
    with pytest.raises(ZslError, match=message):
        features.find(network.eval(), PIXELS)


def exported(network):
    program = torch.export.export(network, (PIXELS,), dynamic_shapes=(
        {0: torch.export.Dim("batch")},))
    return program.module(check_guards=False)


def test_features_are_found_in_an_exported_program_too():
    network = Small().eval()
    expected = network(PIXELS)
    graph = exported(network)
    found = features.find(graph, PIXELS)
    assert found.width == 6
    torch.testing.assert_close(found.classifier(found.body(PIXELS)), expected)
    assert features.find(graph, PIXELS, "output").width == 7
    node = features.find(graph, PIXELS, node="relu")
    torch.testing.assert_close(
        node.body(PIXELS), network.norm(network.stem(PIXELS)).relu().mean((2, 3)))
    with pytest.raises(ZslError, match=r"no such node; its last ones are .*linear"):
        features.find(graph, PIXELS, node="nothing")
