"""The sentence encoders that read words: mean, sum, LSTM."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

from zsl_cli.authoring.training.captions import onnx_graphs
from zsl_cli.authoring.training.captions.canonical import Basis
from zsl_cli.authoring.training.captions.joint import Beginning, Pairs, SentenceEncoding
from zsl_cli.authoring.training.captions.words import PAD, UNKNOWN, WordTable
from zsl_cli.support.manifests import LABEL_ENCODER_FILE, TOKENIZER_FILE, TextEncoding

if TYPE_CHECKING:
    from numpy.typing import NDArray

_DAMPING = 1.0
_SHARE = 0.5  # of the base's space, in which labels lie and sentences don't
_STATE = 256  # of the LSTM
_FORGOTTEN = 0.1  # of the words in training
_RATE = 0.02  # of the learning rate; its default gives Adam 0.001


class WordNetwork(nn.Module):
    """Numbers of words ``[n, L]`` → ``[n, k]``, by ``mean``, ``sum`` or ``lstm``."""

    def __init__(self, table: WordTable, how: str, dimension: int) -> None:
        super().__init__()
        self.how = how
        vectors = torch.from_numpy(table.vectors).clone()
        if table.learned:
            nn.init.normal_(vectors, std=vectors.shape[1] ** -0.5)
            vectors[PAD] = 0
        self.words = nn.Embedding.from_pretrained(vectors, freeze=not table.learned,
                                                  padding_idx=PAD)
        width = vectors.shape[1]
        self.lstm = nn.LSTM(width, _STATE, batch_first=True) if how == "lstm" else None
        self.linear = nn.Linear(_STATE if how == "lstm" else width, dimension)

    def forward(self, ids: Tensor) -> Tensor:
        """Before they are scaled to unit length; padding counts for nothing."""
        vectors, lengths = self.words(ids), (ids != PAD).sum(1)
        if self.lstm is not None:
            packed = pack_padded_sequence(vectors, lengths, batch_first=True, enforce_sorted=False)
            summary = self.lstm(packed)[1][0][0]
        else:
            summary = vectors.sum(1)
            if self.how == "mean":
                summary = summary / lengths[:, None]
        projected: Tensor = self.linear(summary)
        return projected


class OverWords(SentenceEncoding):
    """See encoders.words."""

    noise = 0.2
    rate = _RATE

    def __init__(self, table: WordTable, sentences: Sequence[str], how: str, dimension: int,
                 base_dimension: int) -> None:
        self.dimension = dimension
        self._table, self._how, self._base_dimension = table, how, base_dimension
        self.tokenizer = table.tokenizer()
        self._ids = np.array([one.ids for one in self.tokenizer.encode_batch(list(sentences))],
                             np.int64)
        self._ids[self._ids[:, 0] == PAD, 0] = UNKNOWN  # without a word, a sentence is one unknown

    def begin(self, pairs: Pairs, seed: int) -> Beginning:
        """At random."""
        whitening = Basis.of(pairs.features).whitening(_DAMPING)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network = WordNetwork(self._table, self._how, self.dimension)
            width = whitening.matrix.shape[1]
            image_map = torch.randn(self.dimension, width) * width ** -0.5
        return Beginning(whitening, image_map.numpy(), _SHARE)

    def batch(self, sentences: "NDArray[np.int64]",
              random: np.random.Generator | None = None) -> Tensor:
        """Numbers of words, ``[b, L]``; in training some words are unknown."""
        ids = self._ids[sentences]
        ids = ids[:, :int((ids != PAD).sum(1).max())]
        if random is not None:
            ids = np.where((random.random(ids.shape) < _FORGOTTEN) & (ids != PAD), UNKNOWN, ids)
        return torch.from_numpy(ids)

    def base_vectors(self, _sentences: "NDArray[np.int64]") -> None:
        """The base's space has labels, and none of these sentences."""

    def write(self, folder: Path, _share: float) -> TextEncoding:
        """All of it, as one graph of ONNX's own operators."""
        weights: dict[str, Any] = {name: value.detach().numpy() for name, value in
                                   self.network.state_dict().items()}
        onnx_graphs.write_words(weights, self._how, self._base_dimension,
                                folder / LABEL_ENCODER_FILE)
        self.tokenizer.save(str(folder / TOKENIZER_FILE), pretty=False)
        return TextEncoding(())
