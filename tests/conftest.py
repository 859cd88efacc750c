"""Real photographs (scikit-image ships some), the real command line, small model folders."""

import functools
import io
import os
import signal
import subprocess
import sys
from pathlib import Path

import one_blas_thread  # noqa: F401
import pytest
import royal as royal_vocabulary
import word_training
import wordnet_files
from hypothesis import HealthCheck, settings
from label_runs import LARGE
from PIL import Image
from shared_data import DATA

from zsl_cli.support import cpus

pytest_plugins = ["machine"]

# Whoever started the tests may have them ignored (nohup, a shell's background job), and children
# would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Each of several workers has its share of the cores; threads of a matrix product would wait for
# one another there. (What ONNX Runtime and zsl itself do with threads stays as it is.)
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# How long an example takes says little on a machine that does other things beside it.
settings.register_profile("zsl", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("zsl")

MOST_WORKERS = 8  # each of them imports torch


def pytest_collection_modifyitems(items):
    """Skip, with the reason, what needs photographs that are not here."""
    if not DATA.is_dir():
        skip = pytest.mark.skip(reason="needs the photographs in ../shared/data")
        for item in items:
            if "data" in item.keywords:
                item.add_marker(skip)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config):
    """A worker for each usable core; none for tests that are named one by one, and none with -s,
    since what a worker prints is lost."""
    if config.option.capture == "no" or all("::" in name for name in config.args):
        return 0
    if "PYTEST_XDIST_AUTO_NUM_WORKERS" in os.environ:
        return None  # xdist itself reads it
    return min(cpus.usable_cpus(), MOST_WORKERS)


@pytest.fixture(scope="session")
def skimage_photos() -> Path:
    """The folder of photographs inside the scikit-image package."""
    import skimage.data

    return Path(skimage.data.data_dir)


@pytest.fixture(scope="session")
def cat(skimage_photos) -> Image.Image:
    """Chelsea, a tabby cat, 451 x 300, RGB."""
    with Image.open(skimage_photos / "chelsea.png") as image:
        return image.convert("RGB")


@pytest.fixture(scope="session")
def cat_jpg(tmp_path_factory, cat) -> Path:
    """The cat as a JPEG file; do not change it."""
    path = tmp_path_factory.mktemp("photos") / "cat.jpg"
    cat.save(path, quality=92)
    return path


@pytest.fixture(scope="session")
def coffee_png(skimage_photos) -> Path:
    """A cup of coffee; do not change it."""
    return skimage_photos / "coffee.png"


@pytest.fixture(scope="session")
def photographs(tmp_path_factory, skimage_photos):
    """24 different crops of photographs as JPEG bytes."""
    found = []
    for name in ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg"):
        with Image.open(skimage_photos / name) as opened:
            image = opened.convert("RGB")
        for number in range(6):
            side = min(image.size) * (10 - number) // 10
            file = io.BytesIO()
            image.crop((number * 7, number * 3, number * 7 + side, number * 3 + side)).resize(
                (160, 160)).save(file, "JPEG")
            found.append(file.getvalue())
    return found


@pytest.fixture
def library(tmp_path, photographs):
    """A folder of 24 photographs in three folders."""
    folder = tmp_path / "photos"
    for number, data in enumerate(photographs):
        below = folder / "abc"[number // 8]
        below.mkdir(parents=True, exist_ok=True)
        (below / f"{number:02}.jpg").write_bytes(data)
    return folder


@pytest.fixture
def large_library(tmp_path, photographs):
    """So many photographs that there is time to look in between."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(LARGE):
        (folder / f"{number:03}.jpg").write_bytes(photographs[number % 24])
    return folder


@pytest.fixture(scope="session")
def operators_made_once():
    """PyTorch's exporter makes its table of operators anew for each export, which is a fifth of
    the time that a small network takes. Where these parts of it are as they are known, the table
    is made once."""
    try:
        from torch.onnx._internal.exporter._registration import ONNXRegistry

        make = ONNXRegistry.from_torchlib
    except (ImportError, AttributeError):
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ONNXRegistry, "from_torchlib", staticmethod(functools.cache(make)))
        yield


@pytest.fixture
def zsl(environment, tmp_path):
    """Runs the real command line in a subprocess, in an empty folder; returns its result."""

    def run(*arguments, stdin=None, env=None, cwd=tmp_path, timeout=120):
        return subprocess.run(
            [sys.executable, "-m", "zsl_cli", *arguments], input=stdin, cwd=cwd,
            env={**environment, **(env or {})}, capture_output=True, timeout=timeout, check=False)

    return run


@pytest.fixture
def wordnet(tmp_path):
    """A WordNet of nine synsets, its files in ``tmp_path``."""
    from zsl_cli.authoring.vocabularies.wordnet import WordNet

    wordnet_files.write(tmp_path)
    return WordNet(tmp_path)


@pytest.fixture
def corpus_file(tmp_path):
    path = tmp_path / "text.txt"
    path.write_text(word_training.text())
    return path


@pytest.fixture
def royal(tmp_path):
    return royal_vocabulary.make(tmp_path / "royal")
