"""What all evaluations against captions ask for."""

from collections.abc import Sequence
from dataclasses import dataclass

from zsl_cli.evaluation.request import Pair, pairs_of
from zsl_cli.support.limits import MAX_PIXELS
from zsl_cli.support.names import Name, check_names, names_of, set_names
from zsl_cli.support.values import READING, check_device, set_numbers


@dataclass(frozen=True)
class CaptionedRequest:
    """Captioned images, and the models that are measured on them; raises RequestError for values
    that make no sense.

    captions, images, split: see captions.read.
    models, vocabularies: see EvaluationRequest.
    device: see Model.load. jobs, batch_size, max_pixels: see Classifier.classify.
    cache: whether embeddings are kept for the next time (see ``feature_cache``).
    """

    captions: Name
    images: Name | None = None
    split: str | None = None
    models: Name | Sequence[Name] = "default"
    vocabularies: Name | Sequence[Name] = ()
    device: str = "auto"
    jobs: int | None = None
    batch_size: int | None = None
    max_pixels: int = MAX_PIXELS
    cache: bool = True

    def __post_init__(self) -> None:
        """Raise RequestError for what makes no sense, wherever it is asked."""
        check_names("captions", [self.captions])
        if self.images is not None:
            check_names("images", [self.images])
        set_names(self, "models", "vocabularies")
        set_numbers(self, **READING)
        check_device(self.device)
        _ = self.pairs

    @property
    def pairs(self) -> list[Pair]:
        """Each model with its vocabulary, once; raises RequestError."""
        return pairs_of(names_of(self.models), names_of(self.vocabularies))
