"""A sentence encoder and a map from its vectors → the text tower of a model that has none.

So a space that knows nothing of text (DeViSE's word vectors, a classifier's rows) takes any phrase
as a label.
"""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from zsl_cli.authoring.networks import configurations, tokenization
from zsl_cli.authoring.networks.libraries import alone, failure, library
from zsl_cli.authoring.networks.network import TextTower
from zsl_cli.authoring.networks.phrase_map import PhraseMap
from zsl_cli.authoring.networks.pooling import mean_of_tokens
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.support.manifests import SentenceEncoder

WEIGHTS = "model.safetensors"
_LENGTH = 64
"""The most tokens of a phrase; positions beyond them need not be carried."""


class Sentences(nn.Module):
    """Token ids ``[n, L]`` → label vectors ``[n, D]``: the mean of a transformer's token vectors,
    and the map."""

    landmarks: Tensor
    weights: Tensor
    bias: Tensor
    slack: Tensor | None

    def __init__(self, transformer: nn.Module, pad: int, phrases: PhraseMap) -> None:
        super().__init__()
        self.transformer = transformer
        self.pad = pad
        self.width = phrases.width
        self.rest = phrases.dimension - len(phrases.bias)
        self.register_buffer("landmarks", torch.from_numpy(phrases.landmarks.T.copy()))
        self.register_buffer("weights", torch.from_numpy(phrases.weights))
        self.register_buffer("bias", torch.from_numpy(phrases.bias))
        slack = None
        if phrases.slack is not None:
            slack = torch.zeros(phrases.dimension)
            slack[phrases.slack] = 1
        self.register_buffer("slack", slack)

    def forward(self, ids: Tensor) -> Tensor:
        """The place of each text in the space of the label vectors."""
        mask = (ids != self.pad).long()
        states = self.transformer(input_ids=ids, attention_mask=mask).last_hidden_state
        vectors = mean_of_tokens(states, mask)
        kernel = ((vectors @ self.landmarks - 1) / self.width).exp()
        meanings = kernel @ self.weights + self.bias
        if self.slack is None:
            return torch.nn.functional.pad(meanings, (0, self.rest))
        length = meanings.square().sum(dim=1, keepdim=True)
        meanings = torch.nn.functional.pad(meanings / length.clamp_min(1).sqrt(), (0, self.rest))
        return meanings + self.slack * (1 - length).clamp_min(0).sqrt()


def tower(folder: Path, phrases: PhraseMap) -> TextTower:
    """The text tower out of a sentence encoder's folder (transformers' files, as
    sentence-transformers lays them out) and a map that was fitted to it.

    Raises ZslError, and MissingExtraError without transformers.
    """
    weights = folder / WEIGHTS
    if not weights.is_file():
        raise ZslError(f"{folder}: no sentence encoder, for there is no {WEIGHTS} in it")
    if folders.sha256(weights) != phrases.encoder:
        raise ZslError(f"{weights}: not the weights that the map of phrases was fitted to (its "
                       f"SHA-256 would be {phrases.encoder})")
    _check_pooling(folder)
    transformer = _load(folder)
    width = int(transformer.config.hidden_size)
    if phrases.landmarks.shape[1] != width:
        raise ZslError(f"the map of phrases takes sentence vectors of "
                       f"{phrases.landmarks.shape[1]} dimensions, and those of {folder} have "
                       f"{width}")
    length = min(_LENGTH, int(transformer.config.max_position_embeddings))
    positions = transformer.embeddings.position_embeddings
    transformer.embeddings.position_embeddings = nn.Embedding.from_pretrained(
        positions.weight[:length].detach().clone())
    tokenizer = tokenization.from_folder(folder, length, fixed=False)
    padding = tokenizer.padding
    assert padding is not None  # from_folder switches it on
    tokenization.check(tokenizer, tokenization.reference_of(folder, length))
    # With activations in int8 a phrase's vector would depend on the others of its batch.
    return TextTower(Sentences(transformer, int(padding["pad_id"]), phrases), tokenizer, length,
                     fixed=False, templates=(), informative=len(phrases.bias),
                     recipes=("weights",),
                     sentence_encoder=SentenceEncoder(
                         type(transformer).__name__, phrases.encoder, len(phrases.landmarks)))


@alone()
def _load(folder: Path) -> Any:
    configurations.vet_folder(folder)
    transformers = library("transformers", "a sentence encoder")
    try:
        transformer = transformers.AutoModel.from_pretrained(folder, local_files_only=True,
                                                trust_remote_code=False)
    except Exception as error:  # of many kinds, down to bare Exception
        raise ZslError(f"{folder}: transformers cannot load it: {failure(error)}") from error
    positions = getattr(getattr(transformer, "embeddings", None), "position_embeddings", None)
    if not isinstance(positions, nn.Embedding):
        raise ZslError(f"{folder}: a {type(transformer).__name__} is no sentence encoder that zsl "
                       "knows; one in the way of BERT is wanted")
    transformer.pooler = None  # of BERT's first token, which nothing here reads
    return transformer.eval().requires_grad_(requires_grad=False)


def _check_pooling(folder: Path) -> None:
    path = folder / "1_Pooling" / "config.json"
    if not path.is_file():
        return
    try:
        modes = [name for name, on in json.loads(path.read_text("utf-8")).items()
                 if name.startswith("pooling_mode_") and on is True]
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise ZslError(f"{path}: {error}") from error
    if modes != ["pooling_mode_mean_tokens"]:
        raise ZslError(f"{path}: {', '.join(modes) or 'no pooling'}; the mean of the tokens' "
                       "vectors alone is known here")
