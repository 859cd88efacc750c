"""A network takes the classifier that fine-tuning has left in its weights, or says why not."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from zsl_cli.authoring.networks import features, fitting  # noqa: E402
from zsl_cli.authoring.networks.weights import Weights  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402

PIXELS = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


class Body(nn.Module):
    """A convolution and whatever classifier."""

    def __init__(self, head, conv=False):
        super().__init__()
        self.stem, self.conv = nn.Conv2d(3, 6, 3), conv
        self.classifier = head

    def forward(self, pixels):
        maps = self.stem(pixels).relu()
        return self.classifier(maps if self.conv else maps.mean((2, 3))).flatten(1)


def loaded(source, target, tmp_path):
    """The target with the source's weights, in eval mode, and the notes."""
    notes = fitting.load(target, Weights(tmp_path / "w.pth", (), source.state_dict()),
                         "library:body")
    assert torch.equal(source.eval()(PIXELS), target(PIXELS))
    return notes


@pytest.mark.parametrize("head", [
    lambda: nn.Sequential(nn.Dropout(0.5), nn.Linear(6, 4)),
    lambda: nn.Sequential(nn.Linear(6, 4)), lambda: nn.Sequential(
        nn.Flatten(), nn.Dropout(), nn.Linear(6, 4, bias=False))])
def test_a_layer_behind_a_dropout_is_the_classifier_and_it_is_said(tmp_path, head):
    assert "is its classifier, in the place of classifier" in loaded(
        Body(head()), Body(nn.Linear(6, 1000)), tmp_path)[0]


def test_a_layer_in_the_place_of_a_block_is_the_classifier(tmp_path):
    block = nn.Sequential(nn.Dropout(), nn.Linear(6, 1000))
    assert "classifier is its classifier, in the place of classifier.1" in loaded(
        Body(nn.Linear(6, 4)), Body(block), tmp_path)[0]


def test_several_layers_in_the_place_of_the_classifier_are_not_guessed_at(tmp_path):
    source = Body(nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 4)))
    with pytest.raises(ZslError, match=r"its classifier classifier has other layers \(classifier\.0"
                                       r".*`architecture=package\.module:factory`"):
        loaded(source, Body(nn.Linear(6, 1000)), tmp_path)


def split(head, bias=True, **more):
    """A backbone without a classifier and a layer behind it, as their own module has them."""
    body = Body(nn.Identity())
    state = {f"backbone.{key}": value for key, value in body.state_dict().items()}
    layer = nn.Linear(6, 4, bias=bias)
    return body, layer, state | {f"{head}.{key}": value for key, value
                                 in layer.state_dict().items()} | more


@pytest.mark.parametrize("head", ["head", "cls_head", "head.fc", "own.linear"])
@pytest.mark.parametrize("bias", [True, False])
def test_a_layer_behind_a_backbone_is_its_classifier_and_it_is_said(tmp_path, head, bias):
    body, layer, state = split(head, bias)
    target = Body(nn.Linear(6, 1000))
    notes = fitting.load(target, Weights(tmp_path / "w.pth", (), state), "library:body")
    assert f"{head}, behind 'backbone.', is its classifier" in notes[0]
    assert len(notes) == 1
    torch.testing.assert_close(target(PIXELS), layer(body(PIXELS)))


@pytest.mark.parametrize("more", [
    {"projector.weight": torch.ones(3, 6)}, {"head.norm.weight": torch.ones(6)},
    {"loss.centers": torch.ones(4, 6)}])
def test_what_more_lies_behind_a_backbone_is_not_guessed_at(tmp_path, more):
    body, _, state = split("head", **more)
    target = Body(nn.Linear(6, 1000))
    notes = fitting.load(target, Weights(tmp_path / "w.pth", (), state), "library:body")
    assert "no weights for the classifier" in notes[0]
    assert torch.equal(target(PIXELS), body(PIXELS))


@pytest.mark.parametrize("head", ["projector", "decoder_out"])
def test_a_layer_of_another_name_behind_a_backbone_is_no_classifier(tmp_path, head):
    _, _, state = split(head)
    notes = fitting.load(Body(nn.Linear(6, 9)), Weights(tmp_path / "w.pth", (), state), "library:b")
    assert "no weights for the classifier" in notes[0]


@pytest.mark.parametrize("classes", [1, 1000])
def test_a_convolution_takes_the_weights_number_of_classes(tmp_path, classes):
    def head(classes):
        return nn.Sequential(nn.Dropout(), nn.Conv2d(6, classes, 1), nn.ReLU(),
                             nn.AdaptiveAvgPool2d(1))

    class OfConvolutions(Body):
        num_classes = 1000

    assert loaded(Body(head(classes), conv=True), OfConvolutions(head(1000), conv=True),
                  tmp_path) == []


def test_a_convolution_of_pooled_features_is_a_classifier():
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(6, 4, 1))
    network = Body(head, conv=True).eval()
    expected, state = network(PIXELS), network.state_dict()
    found = features.find(network, PIXELS)
    assert (found.width, found.where) == (6, "penultimate, input of classifier.1")
    torch.testing.assert_close(found.classifier(found.body(PIXELS)), expected)
    back = found.state_dict(network)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[key], state[key]) for key in state)


def test_logits_that_no_one_layer_gives_are_their_own_features():
    class TwoHeads(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.a, self.b = nn.Conv2d(3, 6, 3), nn.Linear(6, 4), nn.Linear(6, 4)

        def forward(self, pixels):
            maps = self.stem(pixels)
            return (self.a(maps.mean((2, 3))) + self.b(maps.amax((2, 3)))) / 2

    network = TwoHeads().eval()
    expected = network(PIXELS)
    found = features.of_logits(features.find(network, PIXELS))
    assert (found.width, found.classifier.out_features) == (4, 4)
    torch.testing.assert_close(found.classifier(found.body(PIXELS)), expected)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_a_network_takes_the_channels_that_its_weights_have(tmp_path, channels):
    source, target = Body(nn.Linear(6, 4)), Body(nn.Linear(6, 4))
    source.stem = nn.Conv2d(channels, 6, 3)
    fitting.load(target, Weights(tmp_path / "w.pth", (), source.state_dict()), "library:body")
    pixels = torch.randn(2, channels, 8, 8)
    assert torch.equal(source.eval()(pixels), target(pixels))
    assert features.takes_grey(target) == (channels == 1)


def test_how_many_channels_a_network_takes_is_said():
    network = Body(nn.Linear(6, 4))
    network.stem = nn.Conv2d(4, 6, 3)
    with pytest.raises(ZslError, match="takes 4 channels, and a photo has three"):
        features.find(network.eval(), PIXELS)


@pytest.mark.parametrize("wrap", [
    lambda made, logits: {"features": made, "logits": logits}, lambda made, logits: (made, logits),
    lambda made, logits: (logits, made), lambda made, logits: {"a": made, "b": logits}])
def test_the_logits_are_found_among_what_a_program_returns(wrap):
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.fc = nn.Conv2d(3, 6, 3), nn.Linear(6, 4)

        def forward(self, pixels):
            made = self.stem(pixels).mean((2, 3))
            return wrap(made, self.fc(made))

    network = Both().eval()
    program = torch.export.export(network, (PIXELS,), dynamic_shapes=(
        {0: torch.export.Dim("batch")},)).module(check_guards=False)
    found = features.find(program, PIXELS)
    assert (found.width, found.classifier.out_features) == (6, 4)
    made = network.stem(PIXELS).mean((2, 3))
    torch.testing.assert_close(found.body(PIXELS), made)
    torch.testing.assert_close(found.classifier(made), network.fc(made))
