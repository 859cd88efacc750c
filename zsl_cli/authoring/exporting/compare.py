"""The same encoder in float32, fp16 and int8, side by side."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.authoring.exporting.graph import EMBEDDING, IMAGES
from zsl_cli.authoring.exporting.parity import GATES, Parity
from zsl_cli.embedding.sessions import open_session, session_device

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BATCH = 8
_ROUNDS = 5
_SECONDS = 0.4  # of each form in each round


def forms(files: dict[str, Path], agreement: dict[str, Parity],
          pixels: "NDArray[np.uint8]") -> list[dict[str, Any]]:
    """A row for each form: its file's size in MB, images a second on the device that ``auto``
    takes, and its agreement (float32 with PyTorch, the others with float32).

    The forms take turns in every round, and the median counts, so that what else the machine is
    doing touches all of them alike.
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
    rows = []
    for name, file in files.items():
        found = agreement[name]
        rows.append({
            "form": name, "megabytes": round(file.stat().st_size / 1e6, 1),
            "images_per_second": round(float(np.median(speeds[name])), 1),
            "device": session_device(sessions[name]), **found.to_dict(),
            "passes": not GATES[name].failures(found)})
    return rows
