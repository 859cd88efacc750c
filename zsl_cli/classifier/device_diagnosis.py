"""The devices of this machine: what the driver and the libraries are, and how fast each one is."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.embedding import cuda_libraries, gpus, sessions
from zsl_cli.embedding.model import Model
from zsl_cli.errors import DeviceError, ZslError
from zsl_cli.support import cpus

if TYPE_CHECKING:
    from zsl_cli.embedding.cuda_libraries import Versions

_SECONDS = 0.2  # of each device


def summary() -> Iterator[str]:
    """The devices, in a line each: the cores, the driver and its cards, and the libraries, as they
    are and as ONNX Runtime wants them."""
    cores = f"{cpus.usable_cpus()} CPU cores"
    obstacle = sessions.cuda_obstacle()
    wanted = cuda_libraries.wanted()
    yield f"device: {cores}; " + (f"no CUDA: {obstacle}" if obstacle else "CUDA may be used")
    try:
        driver = gpus.driver()
    except DeviceError:  # the obstacle
        if wanted.cuda:
            yield _libraries(wanted)
        return
    yield (f"NVIDIA driver {gpus.driver_version() or '(of unknown version)'}, which runs CUDA up "
           f"to {'.'.join(map(str, driver.cuda))}")
    for gpu in driver.gpus:
        yield f"cuda:{gpu.number}: {gpu.name}, {gpu.memory / 2**30:.1f} GiB"
    if wanted.cuda:
        cuda_libraries.preload()
        yield _libraries(wanted)


def speeds(model: Model) -> Iterator[str]:
    """How many images a second each device embeds, in a line each, or why it does not: one batch
    after the other, no decoding."""
    for device in ("cpu", *_cards()):
        try:
            opened = model if model.device == device else Model.load(model.path, device=device)
            yield (f"{device}: {_images_per_second(opened):,.0f} images/s by the encoder alone, "
                   f"{opened.batch_size} at once")
        except ZslError as error:
            yield f"{device}: {error}"


def _cards() -> list[str]:
    try:
        return [f"cuda:{gpu.number}" for gpu in gpus.driver().gpus]
    except DeviceError:
        return []


def _images_per_second(model: Model) -> float:
    side = model.preprocessing.size
    shape = (side, side, 3) if model.preprocessing.layout == "NHWC" else (3, side, side)
    batch = [*np.random.default_rng(0).integers(
        0, 256, (model.batch_size, *shape), dtype=np.uint8)]
    model.embed_pixels(batch)  # what is made at first use
    started, images = time.perf_counter(), 0
    while not images or time.perf_counter() - started < _SECONDS:
        images += len(model.embed_pixels(batch))
    return images / (time.perf_counter() - started)


def _libraries(wanted: "Versions") -> str:
    found = cuda_libraries.found(wanted)
    there = [f"{name} {version}" if version else f"no {name}" for name, version in (
        ("CUDA", found.cuda), ("cuDNN", found.cudnn))]
    advice = "" if found.cuda and found.cudnn else "; pip install 'zsl-cli[cuda]' brings both"
    return (f"onnxruntime-gpu wants CUDA {wanted.cuda} and cuDNN {wanted.cudnn or '(unknown)'}; "
            f"found {' and '.join(there)}{advice}")
