"""The sentence encoder that is a linear map over the base's label encoder."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from zsl_cli.authoring.training.captions import choice, onnx_graphs
from zsl_cli.authoring.training.captions.base_model import SentenceSide
from zsl_cli.authoring.training.captions.canonical import Basis, Whitening, canonical_maps
from zsl_cli.authoring.training.captions.joint import Beginning, Pairs, SentenceEncoding
from zsl_cli.support.manifests import LABEL_ENCODER_FILE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.authoring.training.reporter import Reporter
    from zsl_cli.support.manifests import TextEncoding


class OverSentences(SentenceEncoding):
    """See encoders.linear.

    vectors: float32 ``[m, S + D]``, what is mapped of each sentence, see SentenceSide.
    """

    noise = 0.5
    whitening: Whitening

    def __init__(self, side: SentenceSide, vectors: "NDArray[np.float32]", dimension: int,
                 reporter: "Reporter") -> None:
        self._side, self._vectors, self._reporter = side, vectors, reporter
        self.dimension = dimension
        self.choice = choice.DEFAULT

    def begin(self, pairs: Pairs, seed: int) -> Beginning:
        """Canonical correlations."""
        vectors = self._vectors[pairs.sentences]
        base = vectors[:, self._side.width:]
        self._reporter.start("choosing by images held out", choice.FOLDS, "parts")
        self.choice = choice.choose(pairs, vectors, base, self.dimension, seed,
                                    self._reporter.advance)
        of_images = Basis.of(pairs.features).whitening(self.choice.damping)
        self.whitening = Basis.of(vectors).whitening(self.choice.damping)
        images, sentences = of_images(pairs.features), self.whitening(vectors)
        image_map, text_map = canonical_maps(images, sentences, pairs.owner, self.dimension)
        self.dimension = len(image_map)
        self._whitened = torch.from_numpy(self.whitening(self._vectors))
        self.network = nn.Linear(text_map.shape[1], self.dimension)
        with torch.no_grad():
            self.network.weight.copy_(torch.from_numpy(text_map))
            self.network.bias.zero_()
        self.rate = float(text_map.std())
        return Beginning(of_images, image_map, self.choice.share)

    def batch(self, sentences: "NDArray[np.int64]",
              random: np.random.Generator | None = None) -> Tensor:
        """Their whitened vectors."""
        vectors = self._whitened[sentences]
        if random is None:
            return vectors
        kept = random.random(vectors.shape) >= self.noise
        return vectors * torch.from_numpy((kept / (1 - self.noise)).astype(np.float32))

    def base_vectors(self, sentences: "NDArray[np.int64]") -> "NDArray[np.float32]":
        """The label encoder's."""
        return self._vectors[sentences, self._side.width:]

    def write(self, folder: Path, share: float) -> "TextEncoding":
        """The label encoder with the map on top, its tokenizer as it is."""
        network: Any = self.network
        weight, bias = self.whitening.then(network.weight.detach().numpy().astype(np.float64),
                                           network.bias.detach().numpy().astype(np.float64))
        onnx_graphs.write_linear(self._side.inner, weight, bias, share, self._side.dimension,
                                 folder / LABEL_ENCODER_FILE)
        return self._side.copy_rest(folder)
