"""How well models find the photo that a sentence means, and the sentence of a photo: a request →
figures."""

import functools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.classifier.sentences import SentenceEncoder
from zsl_cli.embedding import feature_cache
from zsl_cli.embedding.model import Model
from zsl_cli.errors import RequestError, ZslError
from zsl_cli.evaluation import tasks, trained_on
from zsl_cli.evaluation.captions import ranks
from zsl_cli.evaluation.captions.captioned import Captioned, read
from zsl_cli.evaluation.captions.request import CaptionedRequest
from zsl_cli.evaluation.captions.retrieval_result import Direction, RetrievalResult
from zsl_cli.evaluation.left_out import Collector
from zsl_cli.evaluation.reporter import Reporter
from zsl_cli.support.limits import MAX_RESAMPLES, MAX_SEED, RECALL_KS, SENTENCES
from zsl_cli.support.names import names_of, set_names
from zsl_cli.support.values import (
    TOP,
    Range,
    check_choice,
    check_number,
    set_numbers,
    several,
)
from zsl_cli.support.wording import counted
from zsl_cli.vocabulary.vocabulary import Vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class RetrievalRequest(CaptionedRequest):
    """What is asked of ``evaluate_retrieval``: see CaptionedRequest; raises RequestError.

    sentences: one or several of SENTENCES, the ways in which sentences get their vectors; by
        default the best one that each model and vocabulary allow.
    ks: of Recall@k. resamples, seed: of the bootstrap.
    """

    sentences: str | Sequence[str] = ()
    ks: Sequence[int] = RECALL_KS
    resamples: int = 1000
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise RequestError for what makes no sense, wherever it is asked."""
        super().__post_init__()
        set_names(self, "sentences")
        for way in names_of(self.sentences):
            check_choice("sentences", way, SENTENCES)
        ks = tuple(sorted({check_number("ks", k, TOP) for k in several(self.ks)}))
        if not ks:
            raise RequestError("`ks`: a whole number is expected, or several")
        object.__setattr__(self, "ks", ks)
        set_numbers(self, resamples=Range(1, MAX_RESAMPLES, whole=True),
                    seed=Range(0, MAX_SEED, whole=True))


def evaluate_retrieval(request: RetrievalRequest,
                       reporter: Reporter | None = None) -> RetrievalResult:
    """Rank images by their captions, and captions by their images, in the protocol of Kiros et al.
    (2014; see ``ranks``).

    Raises ZslError for what can't be used, or when there are no two images to tell apart; images
    that cannot be read and captions that nothing is known of are left out, and are in the result.
    """
    reporter = reporter or Reporter()
    collector = Collector(reporter.left_out)
    captioned = read(request.captions, request.images, request.split)
    collector.add_sentences(captioned.failed)
    load = functools.lru_cache(maxsize=1)(
        functools.partial(Model.load, device=request.device, threads=1))
    names = tasks.told_apart({model: tasks.model_name(model) for model, _ in request.pairs})
    todo = [(model, tasks.vocabulary_for(model, name)) for model, name in request.pairs]
    for model, folder in todo:  # what is wrong with any is told before the first image is read
        [*_encoders(load(model), folder, request)]
    directions: list[Direction] = []
    for model, folder in todo:
        images, texts = _embedded(load(model), names[model], captioned, request, collector,
                                  reporter)
        for encoder in _encoders(load(model), folder, request):
            directions += _measured(encoder, names[model], folder, images, texts, request,
                                    collector, reporter)
    reporter.end()
    return RetrievalResult(os.fspath(request.captions), tuple(request.ks), request.resamples,
                           request.seed, tuple(directions), collector.left_out())


def _encoders(model: Model, folder: Path | None,
              request: RetrievalRequest) -> Iterator[SentenceEncoder]:
    """The ways of a model that are asked for; raises ZslError."""
    vocabulary = None if folder is None else Vocabulary.load(folder)
    for way in dict.fromkeys(names_of(request.sentences)) or [None]:
        yield SentenceEncoder(model, vocabulary, way)


def _embedded(model: Model, name: str, captioned: Captioned, request: RetrievalRequest,
              collector: Collector, reporter: Reporter,
              ) -> "tuple[NDArray[np.float32], list[tuple[str, ...]]]":
    """The embeddings ``[n, D]`` of the images that can be read, and their captions."""
    reporter.start(f"embedding, {name}", len(captioned))
    features = feature_cache.embed(
        model, captioned.paths, advance=reporter.advance, jobs=request.jobs,
        identity=feature_cache.identity_of(model) if request.cache else None,
        batch_size=request.batch_size, max_pixels=request.max_pixels)
    collector.add_unreadable([(str(captioned.paths[at]), error) for at, error in features.failed])
    kept = features.kept.tolist()
    if not kept:
        raise ZslError(f"{os.fspath(request.captions)}: none of its "
                       f"{counted(len(captioned), 'image')} can be read; paths go on from the "
                       "file's own folder, or from `images`")
    if known := trained_on.count(model.path, [captioned.paths[at] for at in kept]):
        reporter.warn(f"{name}: {counted(known, 'image')} of {len(kept):,} among those that it was "
                      "trained on, so that its figures say little of others")
    return features.values, [captioned.captions[at] for at in kept]


def _measured(encoder: SentenceEncoder, model: str, vocabulary: Path | None,
              images: "NDArray[np.float32]", texts: list[tuple[str, ...]],
              request: RetrievalRequest, collector: Collector,
              reporter: Reporter) -> Iterator[Direction]:
    """Both directions of one way."""
    sentences = [text for of_image in texts for text in of_image]
    reporter.start(f"sentences, {model}, {encoder.way}", len(sentences), "captions")
    embedded = encoder.embed(sentences, reporter.advance)
    collector.add_sentences([(sentences[at], error) for at, error in embedded.failed])
    of_all = np.repeat(np.arange(len(texts)), [len(of_image) for of_image in texts])
    described, owner = np.unique(of_all[embedded.kept], return_inverse=True)
    if len(described) < 2:
        raise ZslError(f"{os.fspath(request.captions)}: {counted(len(described), 'image')} with a "
                       "caption, so that there is nothing to tell it from; at least two are "
                       "expected, and the protocol has five captions for each")
    reporter.start(f"ranking, {model}, {encoder.way}", len(described))
    found = ranks.rank(encoder.images(images[described]), embedded.values, owner, reporter.advance)
    each = np.arange(len(described))
    one, own = np.ones(len(owner), np.int64), np.bincount(owner)
    for query, of_queries, by, chance in (
            ("sentence", found.of_sentences, owner, ranks.chance(one, len(described), request.ks)),
            ("image", found.of_images, each, ranks.chance(own, len(owner), request.ks))):
        recalls, median = ranks.figures(of_queries, by, request.ks, resamples=request.resamples,
                                        seed=request.seed)
        yield Direction(model, None if vocabulary is None else vocabulary.name, encoder.way, query,
                        len(described), len(owner), tuple(recalls), median, chance)
