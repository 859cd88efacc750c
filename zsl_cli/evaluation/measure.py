"""One model among one set of candidates: rankings → figures, as one row of a table."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.evaluation import metrics, mistakes, selective, stacking
from zsl_cli.evaluation.ranking import rank
from zsl_cli.support.limits import KS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.evaluation.candidates import Candidates
    from zsl_cli.evaluation.ranking import Ranking
    from zsl_cli.vocabulary.vocabulary import Vocabulary

BINS = 15


@dataclass(frozen=True)
class Subject:
    """What is evaluated: a model and a vocabulary, and the images that could be read.

    name: what the model is called in tables.
    embeddings: float32 ``[n, D]``; truth: int64 ``[n]``; paths: the n files.
    seen: of each label of the vocabulary, bool ``[labels]``, whether it is seen.
    vocabulary_name: what the vocabulary is called in tables, if not by its own name.
    """

    name: str
    classifier: "Classifier"
    embeddings: "NDArray[np.float32]"
    truth: "NDArray[np.int64]"
    paths: "Sequence[Path]"
    seen: "NDArray[np.bool_]"
    vocabulary_name: str = ""


@dataclass(frozen=True)
class Settings:
    """ks: the k of hit@k. resamples: of the bootstrap. seed: what it is drawn from, the same for
    each row, so that a row does not depend on those before it. confidence: of keywords, which are
    measured among all labels where there is one (see selective)."""

    ks: tuple[int, ...] = KS
    resamples: int = 1000
    seed: int = 0
    confidence: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What came of a subject among some candidates. Neither its model nor its embeddings are
    held, since there may be many.

    paths: the n files that counted, those whose label is a candidate. truth: int64 ``[n]``, the
        rows of their right labels.
    gamma: the constant of calibrated stacking that was used.
    curve: of all such constants, where seen and unseen classes compete.
    keywords: what comes of keywords, where they were asked for and all labels are candidates.
    row: the figures, flat: numbers from 0 to 1, counts, texts; None where there is nothing to be
        said.
    """

    vocabulary: "Vocabulary"
    candidates: "Candidates"
    gamma: float
    paths: "Sequence[Path]"
    truth: "NDArray[np.int64]"
    ranking: "Ranking"
    reliability: metrics.Reliability
    curve: stacking.Curve | None
    row: dict[str, Any]
    keywords: selective.Selective | None = None


def measure(subject: Subject, candidates: "Candidates", settings: Settings, *,
            gamma: float | str = 0.0) -> Outcome | None:
    """Measure a subject; None when no image's label is among the candidates.

    gamma: the constant of calibrated stacking, or ``best``: that of the greatest harmonic mean
        on these very images, which is what stacking could give at most.
    """
    images = np.flatnonzero(np.isin(subject.truth, candidates.rows))
    if not len(images):
        return None
    truth, embeddings = subject.truth[images], subject.embeddings[images]

    def ranking_of(constant: float) -> "Ranking":
        return rank(subject.classifier, embeddings, truth, candidates, subject.seen,
                    most=max(settings.ks), stacking=constant)

    first = ranking_of(0.0 if gamma == "best" else float(gamma))
    of_seen = subject.seen[truth]
    curve = (stacking.curve(first.rivals, truth, subject.seen)
             if first.rivals and of_seen.any() and not of_seen.all() else None)
    constant = (curve.best if curve else 0.0) if gamma == "best" else float(gamma)
    ranking = first if constant == 0 or gamma != "best" else ranking_of(constant)
    correct = ranking.ranked[:, 0] == truth
    reliability = metrics.reliability(ranking.confidence, correct, BINS)
    row: dict[str, Any] = {
        "model": subject.name,
        "vocabulary": subject.vocabulary_name or subject.classifier.vocabulary.name,
        "candidates": candidates.name, "stacking": constant if gamma != 0 else None,
        "stacking_chosen": "on these images" if gamma == "best" else None,
        "labels": len(candidates.rows), "classes": len(np.unique(truth)), "images": len(images),
        **_figures(ranking.ranked, truth, subject, candidates, settings),
        "median_rank": float(np.median(ranking.place)),
        "ece": reliability.error,
        "ausuc": curve.area if curve else None}
    shares = mistakes.kinds(ranking.ranked[:, 0], truth, subject.classifier.vocabulary.hierarchy)
    row |= {f"wrong_{kind}": shares.get(kind) for kind in mistakes.KINDS}
    keywords = None
    if settings.confidence is not None:
        if candidates.whole and gamma == 0:
            keywords = selective.measure(
                subject.classifier, embeddings, truth, ranking, settings.confidence,
                resamples=settings.resamples, seed=settings.seed)
        row |= keywords.row if keywords else dict.fromkeys(selective.FIGURES)
    return Outcome(subject.classifier.vocabulary, candidates, constant,
                   [subject.paths[at] for at in images.tolist()], truth, ranking, reliability,
                   curve, row, keywords)


def _figures(ranked: "NDArray[np.int64]", truth: "NDArray[np.int64]", subject: Subject,
             candidates: "Candidates", settings: Settings) -> dict[str, Any]:
    """Hits and hierarchical precision with their intervals, chance level, and hits on seen and on
    unseen classes. None where k is larger than the number of candidates."""
    ks = [k for k in settings.ks if k <= len(candidates.rows)]
    hits = np.empty((len(truth), len(ks)))
    for column, k in enumerate(ks):
        hits[:, column] = metrics.hits(ranked, truth, k)
    hierarchy = subject.classifier.vocabulary.hierarchy
    precision = np.empty((len(truth), 0)) if hierarchy.flat else metrics.hierarchical_precision(
        ranked, truth, candidates.rows, hierarchy, ks).astype(np.float64)
    of_images, of_classes = metrics.bootstrap(
        truth, np.concatenate([hits, precision], axis=1), resamples=settings.resamples,
        random=np.random.default_rng(settings.seed))
    figures: dict[str, Any] = {}
    for k in settings.ks:
        at = ks.index(k) if k in ks else None
        if at is None:
            figures |= _figure(f"hit@{k}") | _figure(f"class_hit@{k}")
        else:
            figures |= _figure(f"hit@{k}", float(hits[:, at].mean()), of_images[:, at])
            figures |= _figure(f"class_hit@{k}", metrics.class_mean(hits[:, at], truth),
                               of_classes[:, at])
        figures[f"chance@{k}"] = None if at is None else k / len(candidates.rows)
    for k in settings.ks:
        if k in ks and not hierarchy.flat:
            at = ks.index(k)
            figures |= _figure(f"hp@{k}", float(precision[:, at].mean()),
                               of_images[:, len(ks) + at])
        else:
            figures |= _figure(f"hp@{k}")
    return figures | _generalised(hits, truth, subject.seen[truth], ks, settings)


def _figure(name: str, value: float | None = None,
            samples: "NDArray[np.float64] | None" = None) -> dict[str, float | None]:
    """A figure and the ends of its interval."""
    low, high = (None, None) if samples is None else metrics.interval(samples)
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def _generalised(hits: "NDArray[np.float64]", truth: "NDArray[np.int64]",
                 of_seen: "NDArray[np.bool_]", ks: list[int],
                 settings: Settings) -> dict[str, Any]:
    """Hits, mean over classes, on images of seen and of unseen classes, and their harmonic mean
    (Xian et al., 2019); None unless the images are of both."""
    figures: dict[str, Any] = {"seen_images": int(of_seen.sum())}
    if of_seen.all() or not of_seen.any():
        return figures | {key: value for k in settings.ks
                          for name in ("seen", "unseen", "harmonic")
                          for key, value in _figure(f"{name}_hit@{k}").items()}
    parts = [(hits[chosen], truth[chosen]) for chosen in (of_seen, ~of_seen)]
    samples = [metrics.bootstrap(labels, values, resamples=settings.resamples,
                                 random=np.random.default_rng(settings.seed))[1]
               for values, labels in parts]
    for k in settings.ks:
        if k not in ks:
            for name in ("seen", "unseen", "harmonic"):
                figures |= _figure(f"{name}_hit@{k}")
            continue
        at = ks.index(k)
        seen, unseen = (metrics.class_mean(values[:, at], labels) for values, labels in parts)
        of_harmonic = [metrics.harmonic_mean(*pair) for pair in
                       zip(samples[0][:, at].tolist(), samples[1][:, at].tolist(), strict=True)]
        figures |= _figure(f"seen_hit@{k}", seen, samples[0][:, at])
        figures |= _figure(f"unseen_hit@{k}", unseen, samples[1][:, at])
        figures |= _figure(f"harmonic_hit@{k}", metrics.harmonic_mean(seen, unseen),
                           np.array(of_harmonic))
    return figures
