"""Training a whole network: views, what moves and what does not, resumed runs."""

import threading

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from torch import nn  # noqa: E402

from zsl_cli.authoring.exporting.heads import Projected  # noqa: E402
from zsl_cli.authoring.networks import features  # noqa: E402
from zsl_cli.authoring.networks.network import Input  # noqa: E402
from zsl_cli.authoring.networks.projection import Projection  # noqa: E402
from zsl_cli.authoring.training.losses import CrossEntropy  # noqa: E402
from zsl_cli.authoring.training.network import Projecting, WholeNetwork  # noqa: E402
from zsl_cli.authoring.training.problem import Problem  # noqa: E402
from zsl_cli.authoring.training.trainer import Settings, Training, train  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402
from zsl_cli.support.preprocessing import Preprocessing  # noqa: E402

SIDE, WIDTH, CLASSES = 8, 6, 4
COLOURS = np.array([[250, 40, 40], [40, 250, 40], [40, 40, 250], [200, 200, 40]])


class Tiny(nn.Module):
    """A convolution, a batch normalisation, a classifier."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.convolution = nn.Conv2d(3, WIDTH, 3)
        self.norm = nn.BatchNorm2d(WIDTH)
        self.fc = nn.Linear(WIDTH, 5)

    def forward(self, pixels):
        return self.fc(self.norm(self.convolution(pixels)).relu().mean((2, 3)))


@pytest.fixture
def made():
    """A function: a WholeNetwork over 24 images of four colours, and the parts it is made of."""
    random = np.random.default_rng(0)
    target = np.arange(24) % CLASSES
    pixels = (COLOURS[target][:, None, None] + random.integers(-30, 30, (24, SIDE, SIDE, 3))
              ).clip(0, 255).astype(np.uint8)
    vectors = np.linalg.qr(random.standard_normal((5, CLASSES)))[0].T.astype(np.float32)
    projection = Projection(0.1 * random.standard_normal((5, WIDTH)).astype(np.float32),
                            posterior=random.standard_normal((5, 5)).astype(np.float32))
    asked, lock = [], threading.Lock()

    def read(number, view):
        with lock:
            asked.append((number, view is not None))
        if view is None:
            return pixels[number]
        return (pixels[number] + view.integers(0, 5)).clip(0, 255).astype(np.uint8)

    def make(validation=(), read=read):
        network = Tiny().eval()
        found = features.find(network, torch.zeros(2, 3, SIDE, SIDE), "penultimate")
        problem = Problem(np.empty((24, 0), np.float32), target, vectors)
        module = Projecting(found, projection, Input(Preprocessing(SIDE)), problem.unit)
        learned = [(module.change, 100.0), *((one, 1.0) for one in module.learned())]
        whole = WholeNetwork(module, learned, problem, read,
                             np.array(validation, np.int64), batch_size=5)
        return whole, module, network, projection, found, pixels, asked

    return make


SETTINGS = Settings(CrossEntropy(), epochs=12, batch_size=8, learning_rate=3e-3, decay=1e-4)


def test_it_learns_and_batch_statistics_and_the_classifier_stay(made):
    whole, _, network, *_ = made()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    found = train(Training(whole, SETTINGS))
    assert found.history[-1]["loss"] < 0.5 * found.history[0]["loss"]
    moved = {name for name, value in network.state_dict().items()
             if not torch.equal(value, before[name])}
    assert moved == {"convolution.weight", "convolution.bias", "norm.weight", "norm.bias"}


def test_it_begins_as_the_projection_and_its_change_is_one_of_m(made):
    _, module, _, projection, found, pixels, _ = made()
    images = torch.from_numpy(pixels)
    with torch.no_grad():
        prepared = (images.permute(0, 3, 1, 2).float() - torch.tensor(
            Input(Preprocessing(SIDE)).mean).view(1, -1, 1, 1)) / torch.tensor(
                Input(Preprocessing(SIDE)).std).view(1, -1, 1, 1)
        features_ = found.body(prepared)
        head = Projected(projection, WIDTH, found.classifier)
        assert torch.allclose(module(images), head.projected(features_), atol=1e-6)
        module.change.copy_(torch.ones_like(module.change))
        changed = Projected(Projection(projection.features + module.moved(),
                                       projection.posterior), WIDTH, found.classifier)
        assert torch.allclose(module(images), changed.projected(features_), atol=1e-5)


def test_it_is_trained_on_views_and_validated_on_the_images(made):
    whole, *_, asked = made(validation=[0, 1, 2, 3])
    found = train(Training(whole, SETTINGS))
    assert {number for number, view in asked if view} == set(range(4, 24))
    assert {number for number, view in asked if not view} == {0, 1, 2, 3}
    assert found.history[-1]["hit@1"] == 1


def test_a_resumed_training_ends_as_one_that_was_never_stopped(made, tmp_path):
    whole, module, *_ = made()
    train(Training(whole, SETTINGS))
    stopped, *_ = made()
    first = Training(stopped, SETTINGS)
    first.run_epoch()

    def after(done, _steps):
        if done == 2:
            first.save(tmp_path / "state.pt", "x")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        first.run_epoch(after)
    again, resumed, *_ = made()
    train(Training(again, SETTINGS), tmp_path / "state.pt", "x")
    assert torch.equal(module.change, resumed.change)


def test_an_image_that_has_gone_ends_training_with_its_name(made):
    def read(number, _view):
        raise ZslError(f"{number}.jpg: it could be read before")

    whole, *_ = made(read=read)
    with pytest.raises(ZslError, match="could be read before"):
        train(Training(whole, SETTINGS))
