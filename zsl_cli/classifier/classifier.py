"""Classifier: a model and a vocabulary of the same space → predictions."""

import math
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from zsl_cli.classifier import pairing, scores
from zsl_cli.classifier.findings import Findings
from zsl_cli.classifier.keyword_rule import KEYWORD, KeywordRule
from zsl_cli.classifier.keywords import KeywordLabels, choose, choose_among
from zsl_cli.classifier.predictions import Answer, Prediction, ScoredLabel, spoken
from zsl_cli.embedding import images, stream
from zsl_cli.embedding.model import Model
from zsl_cli.errors import ImageError, ZslError
from zsl_cli.support import cpus, folders
from zsl_cli.support.limits import MAX_PIXELS
from zsl_cli.support.names import Name, check_names
from zsl_cli.support.values import (
    DEPTH,
    SHARE,
    TOP,
    check_device,
    check_number,
    check_reading,
    check_search,
)
from zsl_cli.support.word_lists import Word, check_words
from zsl_cli.vocabulary.names.language import LanguageNames, check_language
from zsl_cli.vocabulary.search.nearest import largest
from zsl_cli.vocabulary.search.subset import Subset
from zsl_cli.vocabulary.vocabulary import Vocabulary
from zsl_cli.vocabulary.words.own_words import own_ids

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.classifier.background import Background
    from zsl_cli.classifier.candidates import Choice
    from zsl_cli.classifier.confidence import Confidences, Evidence
    from zsl_cli.classifier.predictions import Keyword
    from zsl_cli.vocabulary.names.label import Label
    from zsl_cli.vocabulary.search.nearest import Nearest, Neighbours

MANY = 32
"""From so many images on, the cores share out the images and not the layers."""

_SEARCHED = 32
"""Images that are searched together at least: each search reads all label vectors once."""

_BLOCK = 4_000_000
"""Confidences that are held at once, or those of one image."""

Key = TypeVar("Key")


class Classifier:
    """Names what is in images: ``Classifier.load().classify(["photo.jpg"])``."""

    def __init__(self, model: Model, vocabulary: Vocabulary) -> None:
        """Raises MismatchError unless the two speak of the same space."""
        pairing.check_fit(model.name, model.manifest, vocabulary.name, vocabulary.manifest)
        self.model = model
        self.vocabulary = vocabulary

    @classmethod
    def load(cls, model: Name = "default", vocabulary: Name | None = None, *,
             language: Name | None = None, device: str = "auto", exact: bool | None = None,
             ef: int | None = None, images: int = 1, keywords: bool = False,
             reads: bool = True) -> "Classifier":
        """A model and a vocabulary by name or folder, ready for so many images (``exact``,
        ``ef`` and ``images``: see Vocabulary.searcher), and for ``keywords``.

        vocabulary: by default the one that pairing.vocabulary_for chooses for the model; where
            there is none, each question has to list its candidate labels.
        language: the code of a language, such as ``de``, or a folder of names: labels are called
            and found by its names, as far as there are any; ids stay.
        reads: whether the encoder is opened at once; else the first image opens it.

        Raises RequestError for values that make no sense, and ZslError when the two can't be used.
        """
        check_device(device)
        check_search(exact, ef)
        check_language(language)
        names = None if language is None else LanguageNames.load(language)
        folder = folders.find(folders.MODEL, model)
        chosen = pairing.vocabulary_for(
            folder, folders.read_manifest(folders.MODEL, folder), vocabulary)
        exact = keywords_search(exact, ef) if keywords else exact
        loading = chosen and Vocabulary.start_loading(chosen, exact=exact, queries=images,
                                                     ef=ef, keywords=keywords)
        loaded = Model.described(folder, device=device, threads=None if images < MANY else 1)
        if reads:
            loaded.open()
        classifier = cls(loaded, loading.result() if loading else
                         Vocabulary.empty(loaded.space, loaded.dimension))
        classifier.vocabulary.language = names
        return classifier

    def candidates(self, labels: "Sequence[str | Word] | None" = None,
                   under: Sequence[str] | None = None, *, max_depth: int | None = None,
                   exact: bool | None = None, ef: int | None = None, images: int = 1,
                   advance: "Callable[[int], object] | None" = None) -> "Nearest":
        """The search over the labels that may be answered.

        labels: names, synonyms or ids, and any other phrases: those the model encodes or, if it
            can't, they are composed of the vocabulary's words; None for the whole vocabulary. A
            label is answered under the user's word for it. See word_lists.words_of for lists with
            a hierarchy.
        under: only these labels and what lies below one of them. One text counts as one label.
        max_depth: only labels at most so many steps below those of ``under``, or without it
            below the roots of the hierarchy.
        exact, ef, images: see Vocabulary.searcher.
        advance: told now and then how many more phrases are encoded.

        Raises UnknownLabelError, or ZslError when nothing is left.
        """
        if labels is under is max_depth is None and len(self.vocabulary):
            return self.vocabulary.searcher(exact=exact, queries=images, ef=ef)
        from zsl_cli.classifier.candidates import choose

        labels = None if labels is None else check_words("labels", labels)
        under = None if under is None else check_names("under", under)
        choice = choose(self.vocabulary, labels, under, phrases=self.model.encodes_phrases,
                        max_depth=max_depth)
        return self.vocabulary.subset(
            choice.rows, prior=labels is None,
            phrases=dict(zip(choice.phrases, self._vectors(choice, advance), strict=True)),
            taken=choice.taken)

    def _vectors(self, choice: "Choice", advance: "Callable[[int], object] | None",
                 ) -> "Iterable[NDArray[np.float32]]":
        """The label vectors of the phrases that were chosen."""
        if not choice.phrases:
            return ()
        if encoder := self.model.label_encoder:
            return encoder.encode(choice.phrases, advance)
        from zsl_cli.vocabulary.words.composition import mean

        return [mean(self.vocabulary.vectors[list(choice.composed[phrase])])
                for phrase in choice.phrases]

    def classify(self, sources: "Iterable[images.ImageSource]", *, top: int = 5,
                 labels: "Sequence[str | Word] | None" = None, under: Sequence[str] | None = None,
                 max_depth: int | None = None, threshold: float = 0.0,
                 keywords: bool = False, confidence: float | None = None,
                 most: int | None = None, exact: bool | None = None, ef: int | None = None,
                 batch_size: int | None = None, jobs: int | None = None,
                 max_pixels: int = MAX_PIXELS) -> Iterator[Prediction]:
        """One prediction an image, in their order; an image that can't be read is one with an
        error.

        sources: paths, bytes or Pillow images.
        top: how many labels at most, 1 to 1000.
        threshold: labels below this probability are left out.
        keywords: whether predictions have keywords, and labels their confidence; confidence, most:
            how probable keywords are at least, 0 to 1 (0.8 by default), and how many an image gets
            at most. Either of them implies ``keywords``.
        batch_size, jobs: images that go through the model at once, and threads; by default what
            suits the device, and all usable cores.

        Raises RequestError for values that make no sense, and ZslError for what else is wrong with
        the request, before the first image is read.
        """
        check_number("top", top, TOP)
        check_number("threshold", threshold, SHARE)
        rule = KeywordRule.asked(keywords, confidence, most)
        if max_depth is not None:
            check_number("max_depth", max_depth, DEPTH)
        check_search(exact, ef)
        check_reading(jobs=jobs, batch_size=batch_size, max_pixels=max_pixels)
        sources = list(sources)
        nearest = self.candidates(labels, under, max_depth=max_depth, ef=ef, images=len(sources),
                                  exact=keywords_search(exact, ef) if rule else exact)
        return self.predict(((_name(source), source) for source in sources), nearest, top=top,
                            threshold=threshold, rule=rule,
                            batch_size=batch_size, jobs=jobs, max_pixels=max_pixels)

    def predict(self, sources: "Iterable[tuple[str, images.ImageSource | ImageError]]",
                nearest: "Nearest", *, top: int = 5, threshold: float = 0.0,
                rule: KeywordRule | None = None, batch_size: int | None = None,
                jobs: int | None = None, max_pixels: int = MAX_PIXELS) -> Iterator[Prediction]:
        """Predictions for named sources, or for errors that are known already, by ``nearest``
        from ``candidates``, in the language of the vocabulary, but for the user's own words.

        rule: by which keywords are chosen, if there are to be any.
        """

        def item(source: "images.ImageSource | ImageError") -> "stream.Read | ImageError":
            if isinstance(source, ImageError):
                return source
            return lambda model: model.read(source, max_pixels=max_pixels)

        for batch in self.answers(((name, item(source)) for name, source in sources), nearest,
                                  top=top, threshold=threshold, rule=rule, batch_size=batch_size,
                                  jobs=jobs):
            yield from self.predictions(batch, nearest)

    def predictions(self, answers: "Iterable[tuple[str, Answer | ImageError]]",
                    nearest: "Nearest") -> Iterator[Prediction]:
        """Named answers, or errors, as predictions in the language of the vocabulary."""
        own = own_ids(self.vocabulary, nearest.taken) if isinstance(nearest, Subset) else ()
        for path, answer in answers:
            yield (Prediction(path, error=answer) if isinstance(answer, ImageError)
                   else spoken(Prediction(path, answer.labels, keywords=answer.keywords),
                               self.vocabulary, own))

    def answers(self, items: "Iterable[tuple[Key, stream.Read | ImageError]]",
                nearest: "Nearest", *, top: int, threshold: float = 0.0,
                rule: KeywordRule | None = None, batch_size: int | None = None,
                jobs: int | None = None) -> "Iterator[list[tuple[Key, Answer | ImageError]]]":
        """Batches of (key, its answer or its error) for what ``stream.embed`` takes, in the order
        of the items; labels under their English names or the user's own words, whatever the
        language.

        rule: by which keywords are chosen, if there are to be any.
        """
        for batch in stream.embed(self.model, items, batch_size=batch_size,
                                  together=_SEARCHED,
                                  jobs=jobs or cpus.usable_cpus()):
            # As a catalogue keeps them, so that a photo is answered alike wherever it is asked.
            stored = batch.embeddings.astype(np.float16).astype(np.float32)
            answers = self.answer(stored, nearest, top, threshold, rule)
            yield [(key, error or next(answers))
                   for key, error in zip(batch.keys, batch.errors, strict=True)]

    def answer(self, embeddings: "NDArray[np.float32]", nearest: "Nearest", top: int,
               threshold: float, rule: KeywordRule | None = None) -> Iterator[Answer]:
        """What is said of each of n embeddings, float32 ``[n, D]``; see ``answers``."""
        if not isinstance(nearest, Subset):
            for findings in self.find(embeddings, nearest, top,
                                      None if rule is None else rule.confidence):
                yield from self.told(findings, top, threshold, rule)
            return
        found = scores.of_candidates(embeddings, nearest, top, self.model.calibration)
        if rule is None:
            yield from map(Answer, self._labels(*found, nearest.label, threshold))
            return
        for block in self._blocks(len(embeddings)):
            evidence = self._confidences.among(embeddings[block], nearest)
            rows, shares = found[0][block], found[1][block]
            sure = np.take_along_axis(evidence.confidences, np.searchsorted(nearest.rows, rows), 1)
            yield from map(Answer, self._labels(rows, shares, nearest.label, threshold, sure),
                           choose(rule, evidence, self.vocabulary, self._confidences.taxonomy,
                                       nearest))

    def find(self, embeddings: "NDArray[np.float32]", nearest: "Nearest", top: int,
             least: float | None = None, *, images: int | None = None) -> Iterator[Findings]:
        """The findings for n embeddings, float32 ``[n, D]``, in blocks, of so many labels.

        nearest: the search over the whole vocabulary; with confidences, the products with all
            label vectors give the nearest ones as well.
        least: which confidence labels have that are sure; None for no confidences.
        images: so many are asked about; the others only fill a block, since the last digit of a
            matrix product may depend on how many rows it has.
        """
        k = max(top, self.model.calibration.neighbours)
        left = len(embeddings) if images is None else images
        is_exact = nearest is self.vocabulary.exact
        for block in self._blocks(len(embeddings)):
            some = embeddings[block]
            asked, left = min(left, len(some)), max(0, left - len(some))
            if not asked:
                return
            products = (self.vocabulary.exact.products(some)[:asked]
                        if is_exact or least is not None else None)
            found = self._found(largest(products, k) if is_exact and products is not None
                                else nearest.search(some[:asked], k), top)
            if products is not None and least is not None:
                of_labels, sure = self._confidences.sure(some, products, found.rows, least)
                found = replace(found, confidences=of_labels, sure=sure)
            yield found

    def _blocks(self, images: int) -> Iterator[slice]:
        step = max(1, _BLOCK // max(1, len(self.vocabulary)))
        return (slice(start, start + step) for start in range(0, images, step))

    def _found(self, found: "Neighbours", top: int) -> Findings:
        rows, products = found
        calibration = self.model.calibration
        return Findings(rows[:, :top], products[:, :top],
                        scores.totals(products, calibration.neighbours, calibration))

    def told(self, findings: Findings, top: int, threshold: float,
             rule: KeywordRule | None = None) -> Iterator[Answer]:
        """What findings with ``top`` labels at least, and with confidences where there is a rule,
        come to; see ``answers``."""
        rows, products = findings.rows[:, :top], findings.products[:, :top]
        shares = scores.shares(products, findings.totals, self.model.calibration)
        if rule is None or findings.confidences is None or findings.sure is None:
            yield from map(Answer, self._labels(rows, shares, self.vocabulary.label, threshold))
            return
        yield from map(Answer, self._labels(rows, shares, self.vocabulary.label, threshold,
                                            findings.confidences[:, :top]),
                       choose_among(rule, findings.sure, self._keyword_labels))

    @cached_property
    def _keyword_labels(self) -> KeywordLabels:
        return KeywordLabels(self.vocabulary, self._confidences.taxonomy)

    def _labels(self, rows: "NDArray[np.int64]", scores: "NDArray[np.float32]",
                label: "Callable[[int], Label]", threshold: float,
                confidences: "NDArray[np.float32] | None" = None,
                ) -> Iterator[tuple[ScoredLabel, ...]]:
        """Labels of rows ``[n, k]`` with their scores, and their confidences if there are any."""
        sure = np.full(rows.shape, None, object) if confidences is None else confidences
        labels = len(self.vocabulary) or math.inf  # without any, phrases stand for themselves
        for line in zip(rows.tolist(), scores.tolist(), sure.tolist(), strict=True):
            yield tuple(ScoredLabel(label(row), score, row >= labels, confidence)
                        for row, score, confidence in zip(*line, strict=True)
                        if score >= threshold)

    def evidence(self, embeddings: "NDArray[np.float32]",
                 nearest: "Nearest | None" = None) -> "Evidence":
        """The probability that each label is true of each image: of all labels of the vocabulary,
        or of the candidates of ``nearest`` in the order of their rows. It is never smaller for a
        parent than for its child, and the same whatever else is asked.

        embeddings: float32 ``[n, D]``, unit vectors.
        """
        return self._confidences.among(embeddings, nearest)

    @cached_property
    def _confidences(self) -> "Confidences":
        from zsl_cli.classifier.confidence import Confidences

        manifest = self.model.manifest
        return Confidences(self.vocabulary, manifest.calibration, manifest.confidence,
                           self._background)

    def _background(self) -> "Background":
        """What candidates are compared with where there is no vocabulary. Raises ZslError."""
        from zsl_cli.classifier.background import Background

        if self.model.label_encoder is None:
            raise ZslError(f"there is no vocabulary, and model {self.model.name!r} does not "
                           "encode phrases")
        return Background.encoded(self.model.label_encoder)

    def keywords(self, evidence: "Evidence", *, confidence: float = KEYWORD,
                 most: int | None = None,
                 nearest: "Nearest | None" = None) -> "list[tuple[Keyword, ...]]":
        """The keywords of each image, the most informative first, each at least so probable.

        evidence: from ``evidence`` for the same ``nearest``.
        most: keywords an image at most.
        """
        return choose(KeywordRule(confidence, most), evidence, self.vocabulary,
                      self._confidences.taxonomy, nearest)

    def neighbours(self, *, own: bool) -> int:
        """How many of the nearest labels make the denominator of a probability: as many as the
        model was calibrated with; of a user's ``own`` candidates 1000, which for a list of names
        is all of them, so that their scores add up to 1."""
        return scores.OWN_NEIGHBOURS if own else self.model.calibration.neighbours

    def probabilities(self, products: "NDArray[np.float32]", among: int, *,
                      listed: bool = False) -> "NDArray[np.float32]":
        """Falling inner products ``[n, k]`` → probabilities ``[n, k]`` (see
        calibration.Calibration); the denominator is taken over the first ``among`` columns.

        listed: whether they are those of labels that somebody has listed, each of which a model
            may be asked about on its own.
        """
        calibration = self.model.calibration
        if listed and calibration.bias is not None:
            return scores.alone(products, calibration)
        return scores.shares(products, scores.totals(products, among, calibration), calibration)


def keywords_search(exact: bool | None, ef: int | None) -> bool | None:
    """How labels are searched where there are to be keywords, which need the products with all
    label vectors anyway: exactly, unless something else is asked."""
    return True if exact is None and ef is None else exact


def _name(source: "images.ImageSource") -> str:
    return os.fsdecode(source) if isinstance(source, str | os.PathLike) else "-"
