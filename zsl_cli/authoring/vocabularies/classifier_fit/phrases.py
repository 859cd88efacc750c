"""The map from the sentence vector of any phrase into the space of fitted label vectors.

The label vectors know more than text: WordNet's tree, and the classifier's rows. A regression
onto them hands that on to phrases which no vocabulary has. With x the unit sentence vector of a
phrase and z_1 … z_J landmarks among those of the labels' names,

    f(x) = m + s Wᵀ k(x),    k_j(x) = exp((⟨x, z_j⟩ - 1) / width)

W is kernel ridge regression onto the label vectors t_y in the span of the landmarks (the
Nyström method, Williams and Seeger, 2001), fitted to each name of each label as it would be
written: alone, with an article, with its synonyms, with its definition. The landmarks are the
centres of k-means (Zhang, Tsang and Kwok, 2008).

The kernel's columns are much alike, so W is large beside what it adds up to, and rounding it to
int8 would be heard. It is rounded here instead, one landmark after the other, each time with the
error made good by the landmarks that are left (GPTQ: Frantar et al., 2023): what an export stores
in int8 is then what was fitted.

A regression is shorter than what it aims at wherever the text does not tell all, and a phrase
would lose to every known name beside it. So s restores the length that labels have, measured on
labels that are held out together with all that share a name with them.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.vocabularies.classifier_fit.kernels import text_kernel
from zsl_cli.vocabulary.names.label import Label, normal_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

_CHUNK = 4096
_LEVELS = 127


@dataclass(frozen=True)
class Settings:
    """What the fit is told; chosen by holding out labels, and photographs of seen classes whose
    rows were taken out of the classifier.

    landmarks: J. width: the kernel's. ridge, noise: of the regression, in the norm of the
    kernel's space and of W itself; the second also keeps W small enough for int8.
    usual: how much more the names of labels count that are usual in pictures, as the power of
        their prior. held_out: the share of labels that the length is measured on.
    """

    landmarks: int = 2048
    width: float = 0.6
    ridge: float = 3e-6
    noise: float = 1e-5
    usual: float = 0.5
    held_out: float = 0.2


@dataclass(frozen=True)
class Texts:
    """Some texts about labels: unit sentence vectors ``[n, d]``, the row of the label that each
    is about, ``[n]``, and how much all those of one label count."""

    vectors: "Array"
    rows: "NDArray[np.int64]"
    weight: float


@dataclass(frozen=True)
class Spelled:
    """How labels are written: each name of each, alone and with an article; the row of the label,
    ``[n]``; and the rows that share a name, for each name that several labels have."""

    names: list[str]
    with_articles: list[str]
    rows: "NDArray[np.int64]"
    shared: list[list[int]]


def spell(labels: Sequence[Label]) -> Spelled:
    """How these labels are written."""
    pairs = [(row, name) for row, label in enumerate(labels)
             for name in (label.name, *label.synonyms)]
    meant: dict[str, set[int]] = {}
    for row, name in pairs:
        meant.setdefault(normal_name(name), set()).add(row)
    return Spelled(
        [name for _, name in pairs],
        [f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}" for _, name in pairs],
        np.array([row for row, _ in pairs]),
        [sorted(rows) for rows in meant.values() if len(rows) > 1])


def texts_of(spelled: Spelled, alone: "Array", with_articles: "Array", *, names: "Array",
             described: "Array", without: Collection[int] = ()) -> list[Texts]:
    """What the map is fitted to: sentence vectors of the names ``[n, d]``, alone and with
    articles, and for each label ``[labels, d]`` of all its names and of names and definition.

    without: rows of labels that are left out.
    """
    every = np.arange(len(names))
    parts = [(alone, spelled.rows, 1.0), (with_articles, spelled.rows, 0.5),
             (names, every, 0.5), (described, every, 0.5)]
    kept = [~np.isin(rows, [*without]) for _, rows, _ in parts]
    return [Texts(vectors[keep], rows[keep], weight)
            for (vectors, rows, weight), keep in zip(parts, kept, strict=True)]


@dataclass(frozen=True)
class PhraseFit:
    """f: landmarks ``[J, d]``, the width of the kernel, s W as ``[J, D]`` (whole multiples, up to
    127 and with 127 among them, of a number for each column), m ``[D]``; and s."""

    landmarks: "Array"
    width: float
    weights: "Array"
    bias: "Array"
    scale: float

    def __call__(self, vectors: "Array") -> "Array":
        """Unit sentence vectors ``[n, d]`` → ``[n, D]``."""
        return text_kernel(vectors, self.landmarks, self.width) @ self.weights + self.bias


def fit(texts: Sequence[Texts], targets: "Array", prior: "Array",
        same_name: Sequence[Sequence[int]], settings: Settings) -> PhraseFit:
    """Fit the map.

    texts: the first, of names alone, also give the landmarks.
    targets: ``[labels, D]``, what the label vectors are made of, slack and prior left out.
    prior: ``[labels]``, nats.
    same_name: the rows of labels that share a name, for each such name.
    """
    usual = np.exp(np.clip(prior, -4, 4) * settings.usual).astype(np.float32)
    landmarks = centres(texts[0].vectors, _weights(texts[0], usual), settings.landmarks)
    held = held_out(len(targets), same_name, settings.held_out)
    mean = np.average(targets, axis=0, weights=usual).astype(np.float32)
    aims = targets - mean
    parts = [_moments(texts, landmarks, aims, usual, chosen, settings.width)
             for chosen in (~held, held)]
    gram = text_kernel(landmarks, landmarks, settings.width)
    scale = 1.0
    if held.any():
        trial = _solve(*parts[0], gram, settings)
        names = np.flatnonzero(held[texts[0].rows])
        predicted = text_kernel(texts[0].vectors[names], landmarks, settings.width) @ trial
        wanted = aims[texts[0].rows[names]]
        scale = float(np.sqrt(np.square(wanted).sum() / np.square(predicted).sum()))
    second, mixed, total = (a + b for a, b in zip(*parts, strict=True))
    whole = _solve(second, mixed, total, gram, settings)
    weights = rounded(scale * whole, second / total + _damping(gram, settings))
    return PhraseFit(landmarks, settings.width, weights, mean, scale)


def centres(vectors: "Array", weights: "Array", count: int, rounds: int = 8) -> "Array":
    """The centres, scaled to unit length, of k-means over unit vectors ``[n, d]`` that count by
    their weights (Dhillon and Modha, 2001); with no more vectors than centres, the vectors."""
    if len(vectors) <= count:
        return vectors
    random = np.random.default_rng(0)
    means = vectors[random.choice(len(vectors), count, replace=False, p=weights / weights.sum())]
    for _ in range(rounds):
        nearest = np.concatenate([
            (vectors[start:start + _CHUNK] @ means.T).argmax(axis=1)
            for start in range(0, len(vectors), _CHUNK)])
        sums = np.zeros_like(means)
        np.add.at(sums, nearest, vectors * weights[:, None])
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        means = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), means)
    return means.astype(np.float32)


def rounded(weights: "Array", moment: "NDArray[np.float64]") -> "Array":
    """Weights ``[J, D]``, each column in whole multiples of a number of its own up to 127, whose
    sums over features with these second moments ``[J, J]`` differ least from the given ones'."""
    from scipy.linalg import cho_solve, cholesky

    inverse = cho_solve((cholesky(moment, lower=True), True), np.eye(len(moment)))
    factor = cholesky(inverse, lower=False)
    steps = np.abs(weights).max(axis=0).astype(np.float64) / _LEVELS
    levels = np.zeros(weights.shape)
    columns = np.flatnonzero(np.abs(weights).max(axis=0) > 0)
    while len(columns):  # until the last level is used, which tells how large a step is
        rest = weights[:, columns].astype(np.float64)
        for row in range(len(rest)):
            levels[row, columns] = np.clip(np.round(rest[row] / steps[columns]),
                                            -_LEVELS, _LEVELS)
            error = (rest[row] - levels[row, columns] * steps[columns]) / factor[row, row]
            rest[row:] -= factor[row, row:, None] * error
        columns = columns[np.abs(levels[:, columns]).max(axis=0) < _LEVELS]
        steps[columns] *= 0.98
    return (levels * steps).astype(np.float32)


def held_out(count: int, same_name: Sequence[Sequence[int]], share: float) -> "NDArray[np.bool_]":
    """Some labels, drawn at random, and all that share a name with one of them."""
    drawn = np.zeros(count, bool)
    drawn[np.random.default_rng(0).permutation(count)[:int(share * count)]] = True
    held = drawn.copy()
    for rows in same_name:
        if drawn[list(rows)].any():
            held[list(rows)] = True
    return held


def _weights(texts: Texts, usual: "Array") -> "Array":
    count = np.bincount(texts.rows, minlength=len(usual))
    return (texts.weight * usual / np.maximum(count, 1))[texts.rows].astype(np.float32)


def _moments(texts: Sequence[Texts], landmarks: "Array", aims: "Array", usual: "Array",
             chosen: "NDArray[np.bool_]", width: float,
             ) -> tuple["NDArray[np.float64]", "NDArray[np.float64]", float]:
    """Σ k kᵀ ``[J, J]``, Σ k tᵀ ``[J, D]`` and the sum of weights, over the texts about the
    chosen labels."""
    second = np.zeros((len(landmarks), len(landmarks)))
    mixed = np.zeros((len(landmarks), aims.shape[1]))
    total = 0.0
    for one in texts:
        weights = _weights(one, usual)
        rows = np.flatnonzero(chosen[one.rows])
        total += float(weights[rows].sum())
        for start in range(0, len(rows), _CHUNK):
            some = rows[start:start + _CHUNK]
            kernels = text_kernel(one.vectors[some], landmarks, width)
            weighted = (kernels * weights[some, None]).T
            second += weighted @ kernels
            mixed += weighted @ aims[one.rows[some]]
    return second, mixed, total


def _solve(second: "NDArray[np.float64]", mixed: "NDArray[np.float64]", total: float,
           gram: "Array", settings: Settings) -> "Array":
    from scipy.linalg import solve

    moment = second + total * _damping(gram, settings)
    return solve(moment, mixed, assume_a="pos").astype(np.float32)


def _damping(gram: "Array", settings: Settings) -> "NDArray[np.float64]":
    return settings.ridge * gram.astype(np.float64) + settings.noise * np.eye(len(gram))
