"""A small network that tells images apart, as a checkpoint that is exported."""

import os
import shutil

import numpy as np
import pytest
from networks import lively
from PIL import Image

from zsl_cli.vocabulary import writing
from zsl_cli.vocabulary.names.label import Label

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
SIDE = 48
ARCH = ("--arch", "small_network:make", "--size", str(SIDE), "--crop", "0.9")


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """The network of NETWORK with weights that tell images apart."""
    import torch

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


def normalised(model, sources):
    """What a network of these tests takes, from what the model's ``read`` gives."""
    import torch

    mean, std = (torch.tensor(model.manifest.entries["normalisation"][name]).view(1, -1, 1, 1)
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


def make_plan(workplace, checkpoint="small.pth", output="out", **options):
    # conftest.py imports this module, also where there is no torch
    from zsl_cli.authoring.exporting import plan
    from zsl_cli.authoring.networks.hints import Hints, InputOptions

    os.chdir(workplace)
    hints = Hints("small_network:make", InputOptions(size=SIDE, crop=0.9))
    return plan.make(plan.ExportRequest(workplace / checkpoint, workplace / output,
                                        options.pop("hints", hints), **options))


@pytest.fixture(autouse=True)
def back():
    here = os.getcwd()
    yield
    os.chdir(here)
