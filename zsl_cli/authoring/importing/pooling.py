"""The end of a text tower of sentence-transformers: the mean over its tokens and a linear map,
which lie in folders beside the graph (Reimers and Gurevych, 2019; 2020, for the multilingual CLIP
towers)."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.importing import layouts
from zsl_cli.authoring.importing.measuring import Published
from zsl_cli.authoring.importing.towers import Tower
from zsl_cli.authoring.networks import configurations
from zsl_cli.errors import ZslError
from zsl_cli.support import extras

if TYPE_CHECKING:
    from numpy.typing import NDArray

_POOLING = Path("1_Pooling/config.json")
_DENSE = Path("2_Dense")
_MEAN = "pooling_mode_mean_tokens"


@dataclass(frozen=True)
class Pooling:
    """output: of the graph, ``[batch, tokens, F]``. dense: ``[D, F]``, or None."""

    output: str
    dense: "NDArray[np.float32] | None"

    def apply(self, states: "NDArray[np.float32]",
              mask: "NDArray[np.int64]") -> "NDArray[np.float32]":
        """Of ``[n, tokens, F]`` and ``[n, tokens]``: ``[n, D]``."""
        weights = mask[:, :, None].astype(np.float32)
        mean = (states * weights).sum(axis=1) / weights.sum(axis=1)
        return mean if self.dense is None else mean @ self.dense.T


def of(tower: Tower, published: Published) -> Pooling | None:
    """What follows the graph, where it ends with its tokens. Raises ZslError for other ways to
    pool than the mean."""
    output = next((name for name in layouts.TOKENS_OUTPUTS if name in published.outputs), None)
    root = next((folder for folder in tower.folders if (folder / _POOLING).is_file()), None)
    if output is None or root is None or {*layouts.TEXT_OUTPUTS} & {*published.outputs}:
        return None
    ways = [name for name, value in configurations.read(root / _POOLING).items()
            if name.startswith("pooling_mode") and value is True]
    if ways != [_MEAN]:
        raise ZslError(f"{root / _POOLING}: {ways}, and only the mean over the tokens is done here")
    return Pooling(output, _dense(root / _DENSE))


def _dense(folder: Path) -> "NDArray[np.float32] | None":
    if not folder.is_dir():
        return None
    config = configurations.read(folder / "config.json")
    if config.get("bias") or not str(config.get("activation_function", "")).endswith("Identity"):
        raise ZslError(f"{folder}: a linear map without bias or activation is expected")
    with extras.needed("hub", "the linear map after a text tower"):
        from safetensors.numpy import load_file
    file = folder / "model.safetensors"
    try:
        return load_file(file)["linear.weight"].astype(np.float32)
    except Exception as error:  # its own class of errors is not to be had without it
        raise ZslError(f"{file}: cannot be read: {error}") from error
