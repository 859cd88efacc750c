"""The same encoder in float32, fp16 and int8, side by side."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.exporting import onnx_files
from zsl_cli.authoring.exporting.onnx_files import EMBEDDING, IMAGES
from zsl_cli.authoring.exporting.parity import GATES
from zsl_cli.embedding.sessions import open_session, session_device
from zsl_cli.support.manifests import Agreement

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BATCH = 8
_ROUNDS = 5
_SECONDS = 0.4  # of each form in each round


@dataclass(frozen=True)
class Form:
    """An encoder in one of its forms.

    form: ``float32``, ``fp16`` or ``int8``.
    megabytes: of its file, in units of 10**6 bytes.
    images_per_second: on ``device``, the one that ``auto`` takes.
    agreement: of float32 with PyTorch, of the others with float32.
    passes: whether it agrees closely enough to be written.
    """

    form: str
    megabytes: float
    images_per_second: float
    device: str
    agreement: Agreement
    passes: bool


def forms(files: dict[str, Path], agreement: dict[str, Agreement],
          pixels: "NDArray[np.uint8]") -> list[Form]:
    """Each of the forms, measured.

    They take turns in every round, and the median counts, so that what else the machine is doing
    touches all of them alike.
    """
    sessions = {name: open_session(file, "auto") for name, file in files.items()}
    batch = np.resize(pixels, (_BATCH, *pixels.shape[1:]))
    speeds: dict[str, list[float]] = {name: [] for name in files}
    for session in sessions.values():
        session.run([EMBEDDING], {IMAGES: batch})
    for _ in range(_ROUNDS):
        for name, session in sessions.items():
            started, images = time.perf_counter(), 0
            while (spent := time.perf_counter() - started) < _SECONDS:
                session.run([EMBEDDING], {IMAGES: batch})
                images += len(batch)
            speeds[name].append(images / spent)
    return [Form(name, onnx_files.size(file) / 1e6, float(np.median(speeds[name])),
                 session_device(sessions[name]), agreement[name],
                 not GATES[name].failures(agreement[name])) for name, file in files.items()]
