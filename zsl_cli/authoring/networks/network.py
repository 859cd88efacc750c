"""What every origin of a network gives, and all that comes after it takes."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zsl_cli.errors import ZslError
from zsl_cli.support.manifests import SentenceEncoder
from zsl_cli.support.preprocessing import Preprocessing
from zsl_cli.support.wording import listed
from zsl_cli.vocabulary.names.label import Label

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image
    from tokenizers import Tokenizer
    from torch import Tensor, nn

    from zsl_cli.authoring.networks.projection import Projection

Channels = tuple[float, ...]
"""A number for all three channels, or one each."""

IMAGENET_MEAN = (123.675, 116.28, 103.53)
IMAGENET_STD = (58.395, 57.12, 57.375)


@dataclass(frozen=True)
class Input:
    """How a network's input was prepared in training.

    mean, std: of the pixel values from 0 to 255, the same for the three channels or one each.
    bgr: whether it takes the channels in the order blue, green, red; mean and std are then in that
        order, too.
    grey: whether it takes one channel, the luma of ITU-R BT.601; mean and std are then one number.
    """

    preprocessing: Preprocessing
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    bgr: bool = False
    grey: bool = False

    def __post_init__(self) -> None:
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) not in ((1,) if self.grey else (1, 3)) or not all(
                    abs(value) < 1e6 for value in values):
                raise ZslError(f"{name} must be one finite number"
                               f"{'' if self.grey else ' or three'}, not {values}")
        if min(self.std) <= 0:
            raise ZslError(f"std must be above 0, not {self.std}")

    def of_grey(self) -> "Input":
        """The same for one channel, whose mean and std are the averages of three."""
        mean, std = ((sum(values) / len(values),) for values in (self.mean, self.std))
        return replace(self, mean=mean, std=std, grey=True, bgr=False)


@dataclass(frozen=True)
class Assumed:
    """What was assumed of how a picture is prepared.

    why: for want of which word, and where the values are from.
    values: in words, by the fields of InputOptions that would say otherwise.
    """

    why: str
    values: Mapping[str, str]

    def but_for(self, said: Collection[str]) -> "Assumed | None":
        """What remains assumed when a user has said some of it."""
        values = {name: value for name, value in self.values.items() if name not in said}
        return Assumed(self.why, values) if values else None

    @property
    def line(self) -> str:
        """For a manifest and a card."""
        return f"preprocessing: {self.why}: {', '.join(self._spoken())}"

    @property
    def note(self) -> str:
        """For whoever can still say otherwise."""
        return f"{self.line}; say otherwise with {listed([f'`{one}`' for one in self.values])}"

    def _spoken(self) -> list[str]:
        return [f"{name} {value}" for name, value in self.values.items()]


@dataclass(frozen=True)
class TextTower:
    """The half of a dual encoder that reads.

    module: int64 token ids ``[n, L]`` → ``[n, D]``, in the space of the images.
    length: the most tokens it takes; with ``fixed`` it takes exactly so many.
    templates: what a label is put into before it is encoded, each with one ``{}``.
    informative: how many of the leading dimensions tell phrases apart; None for all.
    recipes: the ways into int8 that may be tried, see quantize.RECIPES.
    sentence_encoder: what it is, where it is a sentence encoder and a map.
    """

    module: "nn.Module"
    tokenizer: "Tokenizer"
    length: int
    fixed: bool
    templates: tuple[str, ...]
    informative: int | None = None
    recipes: tuple[str, ...] = ("dynamic", "weights")
    sentence_encoder: SentenceEncoder | None = None


@dataclass(frozen=True)
class Original:
    """The way that a library itself goes from a picture to what a network gives.

    library: its name and version.
    pixels: an RGB picture → normalised pixels ``[3, S, S]``.
    outputs: ``[n, 3, S, S]`` → class logits or embeddings ``[n, K]``, while the network is whole.
    """

    library: str
    pixels: "Callable[[Image], Tensor]"
    outputs: "Callable[[Tensor], Tensor]"


@dataclass(frozen=True)
class Network:
    """A network with its trained weights.

    architecture: what it is, in one of the forms that recognise takes.
    module: normalised pixels ``[n, 3, S, S]`` → class logits or an embedding, in eval mode.
    files: what its weights were read from.
    projection: M, where the checkpoint brings its own.
    text: the other half of a dual encoder; the module then maps into its space.
    classes: a label for each row of the classifier, where the checkpoint names them.
    temperature, bias: of the scores, where training has found them; see calibration.Calibration.
    assumed: what of its input nothing says.
    original: its library's own pipeline, where there is one for this input.
    logits: how many classes its output has a logit of, where that is known; 0
        for an embedding.
    notes: what a user should know of how it was read.
    """

    architecture: str
    module: "nn.Module"
    input: Input
    files: tuple[Path, ...]
    projection: "Projection | None" = None
    text: TextTower | None = None
    classes: tuple[Label, ...] | None = None
    license: str | None = None
    temperature: float | None = None
    bias: float | None = None
    assumed: Assumed | None = None
    original: Original | None = None
    logits: int | None = None
    notes: tuple[str, ...] = ()


def scale(model: Any) -> dict[str, Any]:
    """The temperature and bias of a dual encoder, a module of transformers or OpenCLIP, as Network
    has them: of CLIP (Radford et al., 2021) the one, of SigLIP (Zhai et al., 2023) both."""
    bias = getattr(model, "logit_bias", None)
    return {"temperature": 1 / float(model.logit_scale.detach().exp()),
            "bias": None if bias is None else float(bias.detach())}
