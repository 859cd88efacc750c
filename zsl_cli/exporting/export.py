"""A checkpoint, an architecture and a projection → a model folder, its parity measured."""

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from zsl_cli import __version__, folders
from zsl_cli.errors import ZslError
from zsl_cli.exporting import card, checkpoints, graph, parity, quantize
from zsl_cli.exporting.architectures import Architecture
from zsl_cli.exporting.projection import Projection
from zsl_cli.model import ENCODER_FILE

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 0.9999
"""The smallest cosine between PyTorch's embeddings and ONNX Runtime's, in float32."""
INT8_TOLERANCE = 0.98
"""The smallest mean cosine between the float32 encoder's embeddings and the int8 one's."""
_PARITY_IMAGES = 64


@dataclass(frozen=True)
class Request:
    """What to export.

    sources: what the weights and the projection come from, dictionaries with ``name``,
        ``license`` and ``url``, for the manifest and the card.
    calibration: ``temperature`` and ``neighbours`` (see classifier.Calibration).
    """

    checkpoint: Path
    architecture: Architecture
    projection: Projection
    name: str
    version: str = "1"
    quantize: bool = False
    calibration: dict[str, float] | None = None
    sources: tuple[dict[str, str], ...] = ()
    calibration_images: tuple[str, ...] = ()


def export(request: Request, target: Path, *, force: bool = False,
           say: Callable[[str], None] = lambda _line: None) -> dict[str, Any]:
    """Write the model folder and return its manifest.

    Raises ZslError, and leaves nothing behind, when the weights do not fit the architecture or
    an encoder does not agree with PyTorch.
    """
    preprocessing = request.architecture.preprocessing
    state = checkpoints.read_state_dict(request.checkpoint)
    network = request.architecture.build()
    checkpoints.load_into(network, state, request.checkpoint)
    say(f"read {request.checkpoint.name}: {request.architecture.name}, "
        f"{sum(value.numel() for value in network.parameters()):,} parameters")
    encoder = graph.Encoder(network, request.architecture, request.projection)
    pixels = (quantize.given_pixels(request.calibration_images, preprocessing)
              if request.calibration_images else quantize.bundled_pixels(preprocessing))
    slack = request.projection.radius is not None
    with folders.new_folder(target, force=force) as folder, \
            tempfile.TemporaryDirectory() as scratch:
        full = Path(scratch) / "float32.onnx"
        graph.write(encoder, preprocessing.size, full)
        agreement = {"float32": _check_float(encoder, full, pixels, slack)}
        say(f"ONNX agrees with PyTorch: smallest cosine {agreement['float32'].min_cosine:.6f}")
        if request.quantize:
            quantize.to_int8(full, folder / ENCODER_FILE, pixels)
            agreement["int8"] = _check_int8(full, folder / ENCODER_FILE, pixels, slack)
            say(f"int8 agrees with float32: mean cosine {agreement['int8'].mean_cosine:.4f}")
        else:
            full.rename(folder / ENCODER_FILE)
        manifest = {
            "name": request.name, "version": request.version,
            "space": request.projection.space, "dimension": request.projection.dimension,
            "input": asdict(preprocessing), "architecture": request.architecture.name,
            "weights": "int8" if request.quantize else "float32",
            "calibration": request.calibration or {},
            "checkpoint": {"file": request.checkpoint.name,
                           "sha256": folders.sha256(request.checkpoint)},
            "parity": {name: found.to_dict() for name, found in agreement.items()},
            "sources": list(request.sources), "exported_by": f"zsl {__version__}",
            "files": folders.describe_files(folder, ENCODER_FILE),
        }
        folders.write_manifest(folders.MODEL, folder, manifest)
        (folder / "README.md").write_text(card.model_card(manifest), encoding="utf-8")
    say(f"wrote {target}")
    return manifest


def _check_float(encoder: graph.Encoder, file: Path, pixels: "NDArray[np.uint8]",
                 slack: bool) -> parity.Parity:
    """PyTorch against ONNX Runtime, one image at a time and many, photographs and noise."""
    noise = np.random.default_rng(1).integers(0, 256, (4, *pixels.shape[1:]), dtype=np.uint8)
    sample = np.concatenate([pixels[:_PARITY_IMAGES], noise])
    with torch.inference_mode():
        expected = encoder(torch.from_numpy(sample)).numpy()
    worst = min((parity.compare(expected, parity.embed(file, sample, batch), slack)
                 for batch in (1, len(sample))), key=lambda found: found.min_cosine)
    if not worst.min_cosine >= TOLERANCE:
        raise ZslError(f"the exported encoder does not agree with PyTorch: smallest cosine "
                       f"{worst.min_cosine:.6f}, at least {TOLERANCE} is wanted")
    return worst


def _check_int8(full: Path, quantized: Path, pixels: "NDArray[np.uint8]",
                slack: bool) -> parity.Parity:
    found = parity.compare(parity.embed(full, pixels, 16), parity.embed(quantized, pixels, 16),
                           slack)
    if not found.mean_cosine >= INT8_TOLERANCE:
        raise ZslError(f"int8 does not agree with float32: mean cosine {found.mean_cosine:.4f}, "
                       f"at least {INT8_TOLERANCE} is wanted; export without --quantize int8")
    return found
