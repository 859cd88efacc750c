"""What was taught, checked: are the lessons found without themselves, what do they cost the labels
of the base, and which of them do not go with the others?"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.classifier.corrections.derive import Derived, Prototypes
from zsl_cli.classifier.corrections.examples import Base, Examples
from zsl_cli.classifier.corrections.rule import Rule
from zsl_cli.support.vectors import unit_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

LANDMARKS = 128
"""Labels of the base that stand for photos of them."""
_LEFT_OUT = 200  # lessons of a label that are left out, one after the other
_TYPICAL = 0.6  # the cosine of a photo and the vector of its label
_NOISE = 2.0  # sigmas by which the products of a photo with two labels go apart
_TWICE = 0.995  # the cosine of two photos that are one
_ALIKE = 0.95  # of two that cannot be told apart
_OUTLIER = 0.25  # to the mean of a label's other examples
_SEVERAL = 3  # examples among which one can be an outlier


@dataclass(frozen=True)
class LeftOut:
    """Of the lessons of a label how many have it first, or next to it what was taught of the same
    photo, when they are left out themselves. ``found`` of ``tried``."""

    row: int
    found: int
    tried: int


def left_out(base: Base, examples: Examples, derived: Derived, rows: Iterable[int], *,
             temperature: float, rule: Rule = Rule()) -> list[LeftOut]:  # noqa: B008
    """For each of these labels that at least two photos show."""
    prototypes = Prototypes(base, examples, temperature=temperature, rule=rule)
    shown = examples.at(examples.shows)
    of_photo: dict[bytes, set[int]] = {}
    for row, embedding in zip(shown.rows.tolist(), shown.embeddings, strict=True):
        of_photo.setdefault(embedding.tobytes(), set()).add(row)
    results = []
    for row in rows:
        those = np.flatnonzero(shown.rows == row)
        if len(those) < 2:
            continue
        tried = those[::-(-len(those) // _LEFT_OUT)]
        products = products_of(base, derived, shown.embeddings[tried])
        first = shown.embeddings[tried] @ base.vectors[row] if row < len(base.vectors) else (
            np.full(len(tried), -np.inf, np.float32))
        found = 0
        for line, at in enumerate(tried.tolist()):
            own = max(float(first[line]),
                      float(shown.embeddings[at] @ prototypes.vectors(without=at)[0]))
            also = [*of_photo[shown.embeddings[at].tobytes()]]
            products[line, also] = -np.inf
            found += own > products[line].max()
        results.append(LeftOut(row, int(found), len(tried)))
    return results


def products_of(base: Base, derived: Derived, embeddings: "Array") -> "Array":
    """Inner products ``[n, labels]`` of embeddings with all labels, the new ones last."""
    products = np.hstack([embeddings @ base.vectors.T, np.full(
        (len(embeddings), len(base.parents)), -np.inf, np.float32)])
    if len(derived.rows):
        products[:, derived.rows] = embeddings @ derived.vectors.T
    if len(derived.second_rows):
        products[:, derived.second_rows] = np.maximum(
            products[:, derived.second_rows], embeddings @ derived.second.T)
    return products


class Landmarks:
    """Labels of the base whose vectors stand for photos of them, and what was taught costs these.

    A photo of a label is one whose meaning has a typical cosine with the label's vector, and whose
    products with two labels go apart by noise.
    """

    def __init__(self, base: Base, examples: Examples, rows: "NDArray[np.int64]", *,
                 temperature: float, rule: Rule = Rule()) -> None:  # noqa: B008
        """examples: whose embeddings tell what photos are like; at least one."""
        prototypes = Prototypes(base, examples, temperature=temperature, rule=rule)
        self._base, self._rows = base, rows
        self._noise = _NOISE * max(prototypes.sigma, 1e-9)
        self._photos = _typical(prototypes, examples, rows)
        self._own = np.einsum("nd,nd->n", self._photos, base.vectors[rows])
        products = self._photos @ base.vectors.T
        products[np.arange(len(rows)), rows] = -np.inf
        self._first = _normal((self._own - products.max(axis=1)) / self._noise)

    def cost(self, derived: Derived) -> float:
        """Of the photos of these labels the share that had the right label first and has another
        one now, estimated. Labels that were taught, and those that new ones are right under, do
        not count."""
        told = {*derived.second_rows.tolist(), *derived.rows.tolist(),
                *(one for above in self._base.parents for one in above)}
        counted = np.array([row not in told for row in self._rows.tolist()], bool)
        taught = np.vstack([derived.second, derived.vectors])
        if not counted.any() or not len(taught):
            return 0.0
        others = (self._photos[counted] @ taught.T).max(axis=1)
        lost = _normal((others - self._own[counted]) / self._noise)
        return float((self._first[counted] * lost).mean())


def _typical(prototypes: Prototypes, examples: Examples,
             landmarks: "NDArray[np.int64]") -> "Array":
    """What stands for photos of labels, ``[n, D]``."""
    base = prototypes.base
    away = prototypes.away(examples.embeddings)
    length = float(np.linalg.norm(away, axis=1).mean())
    meanings = base.vectors[:, :base.width]
    if base.centre is not None:
        meanings = meanings - meanings.mean(axis=0)
    photos = np.tile(examples.embeddings.mean(axis=0), (len(landmarks), 1))
    photos[:, :base.width] = base.middle + length * _TYPICAL * unit_rows(meanings[landmarks])
    return photos


def _normal(values: "NDArray[np.floating]") -> "NDArray[np.float64]":
    """The standard normal distribution's function."""
    return np.array([(1 + math.erf(value / math.sqrt(2))) / 2 for value in values.tolist()])


@dataclass(frozen=True)
class Doubt:
    """A lesson that does not go with the others.

    kind: ``twice`` (another photo of the label is the same), ``contradiction`` (nearly the same
        photo was said to show something else, or not to show this) or ``outlier`` (it is unlike the
        label's other photos). at: which of the examples; other: the one that it is about.
    """

    kind: str
    at: int
    other: int | None = None


def doubts(base: Base, examples: Examples, new: "NDArray[np.bool_]", *,
           related: Callable[[int, int], bool]) -> list[Doubt]:
    """Those that concern examples that are ``new``, ``[n]``.

    related: whether one label is above the other, so that both may be true of a photo.
    """
    directions = unit_rows(examples.embeddings[:, :base.width] - base.middle)
    found: list[Doubt] = []
    for at in np.flatnonzero(new).tolist():
        cosines = directions @ directions[at]
        same = examples.rows == examples.rows[at]
        cosines[at] = -1
        near = np.flatnonzero((cosines > _ALIKE) & (~new | (np.arange(len(new)) < at)))
        for other in near[np.argsort(-cosines[near], kind="stable")].tolist():
            if same[other] and examples.shows[other] == examples.shows[at]:
                if cosines[other] > _TWICE:
                    found.append(Doubt("twice", at, other))
                    break
            elif same[other] or (
                    examples.shows[at] and examples.shows[other]
                    and cosines[other] < 1 - 1e-6  # one photo may show two things
                    and not related(int(examples.rows[at]), int(examples.rows[other]))):
                found.append(Doubt("contradiction", at, other))
                break
        others = same & examples.shows & (np.arange(len(new)) != at)
        if examples.shows[at] and others.sum() + 1 >= _SEVERAL:
            mean = unit_rows(directions[others].mean(axis=0, keepdims=True))[0]
            if float(mean @ directions[at]) < _OUTLIER:
                found.append(Doubt("outlier", at))
    return found
