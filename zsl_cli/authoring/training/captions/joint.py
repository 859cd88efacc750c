"""The space that images and sentences share, as it is trained."""

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from zsl_cli.authoring.training.captions import retrieval

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.authoring.training.captions.canonical import Whitening
    from zsl_cli.support.manifests import TextEncoding

_TOGETHER = 4096  # sentences that are encoded at once where nothing is learned


@dataclass(frozen=True)
class Pairs:
    """Images and their sentences.

    features: float32 ``[n, F]``, what is projected of each image.
    embeddings: float32 ``[n, D]``, where it lies in the base's space.
    owner: int64 ``[m]``, the image of each sentence, rising; every image has one at least.
    sentences: int64 ``[m]``, the sentences, by the numbers that their side knows them by.
    """

    features: "NDArray[np.float32]"
    embeddings: "NDArray[np.float32]"
    owner: "NDArray[np.int64]"
    sentences: "NDArray[np.int64]"

    def __len__(self) -> int:
        return len(self.features)

    def of_images(self, images: "NDArray[np.int64]") -> "Pairs":
        """Some of the images, rising, with all their sentences."""
        kept = np.flatnonzero(np.isin(self.owner, images))
        return replace(self, features=self.features[images], embeddings=self.embeddings[images],
                       owner=np.searchsorted(images, self.owner[kept]),
                       sentences=self.sentences[kept])


@dataclass(frozen=True)
class Beginning:
    """What a training begins with.

    whitening: of image features. image_map: ``[k, R]``, of what it gives.
    share: of the base's space in the joint one, in squared length.
    """

    whitening: "Whitening"
    image_map: "NDArray[np.float32]"
    share: float


class SentenceEncoding(ABC):
    """A sentence encoder that is trained.

    network: what takes a ``batch`` to ``[b, k]``, whatever its length.
    rate: what a learning rate is multiplied by.
    noise: the share of the image's, and the sentence's, inputs that a step does not see.
    dimension: k.
    """

    network: nn.Module
    rate: float
    noise: float
    dimension: int

    @abstractmethod
    def begin(self, pairs: Pairs, seed: int) -> Beginning:
        """Put the network where training starts; the same pairs and seed give the same."""

    @abstractmethod
    def batch(self, sentences: "NDArray[np.int64]",
              random: np.random.Generator | None = None) -> Any:
        """What the network takes of sentences; with a generator some of it is left out."""

    @abstractmethod
    def base_vectors(self, sentences: "NDArray[np.int64]") -> "NDArray[np.float32] | None":
        """Where they lie in the base's space, unit ``[m, D]``; None where it knows no sentences."""

    @abstractmethod
    def write(self, folder: Path, share: float) -> "TextEncoding":
        """Write ``label_encoder.onnx`` and ``tokenizer.json``; what the manifest says of them."""


class Joint:
    """Both sides (see trainer.Trainable).

    An image is ``[√(1 − share) · unit(P v), √share · e]``, e its embedding by the base, and a
    sentence the same of its encoder and of the base's label encoder, where that is gone on with.
    """

    criterion: ClassVar[str] = "recall"

    def __init__(self, pairs: Pairs, validation: Pairs | None, encoding: SentenceEncoding,
                 beginning: Beginning) -> None:
        self._pairs, self._validation, self._encoding = pairs, validation, encoding
        self.beginning = beginning
        self._inputs = torch.from_numpy(beginning.whitening(pairs.features))
        self._first = np.searchsorted(pairs.owner, np.arange(len(pairs)))
        self._count = np.bincount(pairs.owner, minlength=len(pairs))
        self.image_map = torch.tensor(beginning.image_map, requires_grad=True)
        self.image_bias = torch.zeros(encoding.dimension, requires_grad=True)
        self.target = torch.arange(len(pairs))
        self.weights = torch.ones(len(pairs))
        self.vectors = torch.empty(0, encoding.dimension)
        self.temperature = 1.0
        learned = sum(one.numel() for one in self.parameters())
        self.operations = 6.0 * learned

    def parameters(self) -> list[Tensor]:
        """Of both sides."""
        return [self.image_map, self.image_bias, *self._learned()]

    def _learned(self) -> list[nn.Parameter]:
        return [one for one in self._encoding.network.parameters() if one.requires_grad]

    def rates(self) -> list[float]:
        """The encoder's, but the image map's in units of what it begins with."""
        scale = float(self.image_map.detach().std())
        return [scale, scale, *(self._encoding.rate for _ in self._learned())]

    def batches(self, rows: "Sequence[NDArray[np.int64]]",
                randoms: Sequence[np.random.Generator]) -> Generator[Any, None, None]:
        """Of each image itself and one of its sentences, parts of both left out."""
        noise = self._encoding.noise
        for some, random in zip(rows, randoms, strict=True):
            drawn = self._first[some] + (random.random(len(some)) * self._count[some]).astype(int)
            sentences = self._encoding.batch(self._pairs.sentences[drawn], random)
            inputs = self._inputs[some]
            kept = random.random(inputs.shape) >= noise
            yield (torch.from_numpy((kept / (1 - noise)).astype(np.float32)) * inputs, sentences,
                   self._base(self._pairs, some, drawn))

    def _base(self, pairs: Pairs, images: "NDArray[np.int64]", sentences: "NDArray[np.int64]",
              ) -> "tuple[Tensor, Tensor] | None":
        vectors = self._encoding.base_vectors(pairs.sentences[sentences])
        if vectors is None:
            return None
        return torch.from_numpy(pairs.embeddings[images]), torch.from_numpy(vectors)

    def project(self, batch: Any) -> Tensor:
        """``[b, 2, D]``: image and sentence of each pair, scaled so that what is learned has length
        1: the margin is one between cosines."""
        inputs, sentences, base = batch
        parts = [self._image(inputs), functional.normalize(self._encoding.network(sentences))]
        if base is not None:
            parts = [self._together(*both) for both in zip(parts, base, strict=True)]
            return torch.stack(parts, 1) / (1 - self.beginning.share) ** 0.5
        return torch.stack(parts, 1)

    def _image(self, inputs: Tensor) -> Tensor:
        return functional.normalize(inputs @ self.image_map.T + self.image_bias)

    def _together(self, learned: Tensor, base: Tensor) -> Tensor:
        share = self.beginning.share
        return torch.cat([(1 - share) ** 0.5 * learned, share ** 0.5 * base], 1)

    def penalty(self) -> Tensor:
        """Nothing: what holds the maps near where they began is that epochs are few."""
        return torch.zeros(())

    def constrain(self) -> None:
        """Nothing has to be put back."""

    def validate(self) -> dict[str, float]:
        """Recall of the validation pairs, if there are some."""
        return {} if self._validation is None else self.recalls(self._validation)

    def recalls(self, pairs: Pairs) -> dict[str, float]:
        """See retrieval.recalls; of any pairs."""
        every = np.arange(len(pairs.sentences))
        training = self._encoding.network.training
        self._encoding.network.eval()
        with torch.inference_mode():
            images = self._image(torch.from_numpy(self.beginning.whitening(pairs.features)))
            sentences = torch.cat([
                functional.normalize(self._encoding.network(self._encoding.batch(some)))
                for some in np.split(pairs.sentences, range(_TOGETHER, len(every), _TOGETHER))])
            base = self._base(pairs, np.arange(len(pairs)), every)
            if base is not None:
                images = self._together(images, base[0])
                sentences = self._together(sentences, base[1])
            found = retrieval.recalls(
                lambda start, end: (sentences[start:end] @ images.T).numpy(), pairs.owner,
                len(pairs))
        self._encoding.network.train(training)
        return found

    def image_layer(self) -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
        """Weight ``[k, F]`` and bias ``[k]`` of the image features."""
        return self.beginning.whitening.then(self.image_map.detach().numpy(),
                                             self.image_bias.detach().numpy())
