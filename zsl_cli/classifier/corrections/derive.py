"""Examples → vectors of labels.

A label learns by a second vector, a prototype: the mean direction of its examples (Snell et al.,
2017, Prototypical Networks), with some of its own vector as long as the examples are few (as
Tip-Adapter mixes a cache of examples with what a text says; Zhang et al., 2022). Its product with
an embedding is the larger of the two, so that a word does not lose what it meant because it was
taught one thing more, and what is unlike the examples is answered as before. The prototypes of all
labels that were taught are contrasted with each other as in a linear discriminant analysis whose
covariance is mostly the identity.

A label that a photo does not show is lowered along that photo's direction, without what this has
of the label's own, by as much as photos like it need to have another label first.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.classifier.corrections.examples import Base, Examples
from zsl_cli.classifier.corrections.rule import Rule
from zsl_cli.support.vectors import unit_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    Array = NDArray[np.float32]

_SAMPLED = 256  # photos of which sigma is measured
_FEW = 20  # labels; the products with fewer have no standard deviation to speak of
_SIGMAS = 2.0  # temperatures of a sigma, in their place
_COUNTED = 5  # examples of a label that count in full where labels are contrasted
_COMMON = 0.2  # the length of a centre from which on it tells a constant
_ALONE = 0.6  # the cosine of the only example of a label and another photo of it
_LEAST = 0.1  # of the square of a photo's direction that is not the label's own


@dataclass(frozen=True)
class Derived:
    """What follows from examples.

    rows, vectors: int64 ``[m]``, rising, and float32 ``[m, D]``, of labels whose vector is another
        than that of the base, all new ones included.
    second_rows, second: the same of second vectors, of labels of the base.
    beside_rows, beside: the same of vectors of what stands beside other things.
    """

    rows: "NDArray[np.int64]"
    vectors: "Array"
    second_rows: "NDArray[np.int64]"
    second: "Array"
    beside_rows: "NDArray[np.int64]"
    beside: "Array"


def derive(base: Base, examples: Examples, *, temperature: float,
           below: "Callable[[int], Iterable[int]]" = lambda _row: (),
           rule: Rule = Rule()) -> Derived:  # noqa: B008
    """The vectors that follow from examples; without any there are none.

    temperature: of the model. below: the rows under a label, by any path.
    """
    prototypes = Prototypes(base, examples, temperature=temperature, rule=rule)
    rows, second = prototypes.rows, prototypes.vectors()
    new = rows >= len(base.vectors)
    changed = dict(zip(rows[new].tolist(), prototypes.filled(second[new]), strict=True))
    for row in range(len(base.vectors), len(base.vectors) + len(base.parents)):
        if row not in changed:  # its photos cannot be had with this model
            changed[row] = prototypes.filled(prototypes.nothing[None])[0]
    seconds = dict(zip(rows[~new].tolist(), second[~new], strict=True))
    surroundings: dict[int, Array] = {}
    if not examples.shows.all():
        denied = examples.at(~examples.shows)
        _lower(prototypes, denied, changed, seconds, below)
        surroundings = _lowered_beside(prototypes, denied, below)
    dimension = base.vectors.shape[1]
    return Derived(*_sorted(changed, dimension), *_sorted(seconds, dimension),
                   *_sorted(surroundings, dimension))


def _sorted(vectors: "dict[int, Array]", dimension: int) -> "tuple[NDArray[np.int64], Array]":
    rows = sorted(vectors)
    return (np.array(rows, np.int64),
            np.array([vectors[row] for row in rows], np.float32).reshape(-1, dimension))


class Prototypes:
    """The mean directions of the examples of each label, and what makes vectors of them.

    rows: int64 ``[m]``, rising, of the labels that have some. sigma: see Rule.
    """

    def __init__(self, base: Base, examples: Examples, *, temperature: float,
                 rule: Rule) -> None:
        self.base, self.rule = base, rule
        shown = examples.at(examples.shows)
        self._mean = base.vectors.mean(axis=0) if len(examples) else np.zeros(
            base.vectors.shape[1], np.float32)
        self.sigma = _sigma(base, examples.embeddings, temperature)
        self.rows, self._of, self._counts = np.unique(
            shown.rows, return_inverse=True, return_counts=True)
        away = self.away(shown.embeddings)
        self._lengths = np.linalg.norm(away, axis=1)
        self._directions = unit_rows(away)
        self._embeddings = shown.embeddings
        self._contrast = self._contrasted()
        self._pulls = np.full(len(self.rows), rule.pull)
        for at in np.flatnonzero(self.rows >= len(base.vectors)).tolist():
            self._pulls[at] = self._pull_of_new(np.flatnonzero(self._of == at))

    def _pull_of_new(self, those: "NDArray[np.intp]") -> float:
        """The pull of a new label with these examples, see Rule."""
        rule = self.rule
        rivals = (self._embeddings[those[:_COUNTED]] @ self.base.vectors.T).max(axis=1)
        rival = float((rivals - self._embeddings[those[:_COUNTED]] @ self._mean).mean())
        directions = self._directions[those]
        others = unit_rows(directions.sum(axis=0) - directions)
        cosine = float(np.einsum("nd,nd->n", directions, others).mean()) if len(those) > 1 else (
            _ALONE)
        start = rule.pull * rule.unlike + rule.bias
        needed = (rival / max(self.sigma, 1e-9) + rule.lead - start) / max(
            cosine - rule.unlike, _LEAST)
        return float(np.clip(needed, rule.pull, rule.steepest))

    @property
    def nothing(self) -> "Array":
        """A vector that no photo is near to, ``[D]``: the mean of all labels'."""
        mean = self.base.vectors.mean(axis=0)
        return mean if mean.any() else np.full_like(mean, 1e-3)

    def away(self, embeddings: "Array") -> "Array":
        """``[n, D']``: embeddings from the centre on."""
        return embeddings[:, :self.base.width] - self.base.middle

    def _contrasted(self) -> "Callable[[Array], Array]":
        """What turns mean directions into those that tell labels apart: ``λ (ZᵀZ + λ)⁻¹``, of the
        directions Z of all examples."""
        if len(self.rows) < 2:
            return lambda directions: directions
        weights = np.minimum(1, _COUNTED / self._counts[self._of]).astype(np.float32)
        weighted = np.sqrt(weights)[:, None] * self._directions
        number, width = weighted.shape
        if number < width:
            gram = weighted @ weighted.T + self.rule.contrast * np.eye(number, dtype=np.float32)
            inner = np.linalg.solve(gram, weighted)
            return lambda directions: directions - (directions @ weighted.T) @ inner
        gram = weighted.T @ weighted / self.rule.contrast + np.eye(width, dtype=np.float32)
        return lambda directions: np.linalg.solve(gram, directions.T).T.astype(np.float32)

    def vectors(self, without: int | None = None) -> "Array":
        """A vector of each label, float32 ``[m, D]``.

        without: of the examples that show something the one that is left out; only the vector of
            its label is given then, ``[1, D]``.
        """
        if without is None:
            sums = np.zeros((len(self.rows), self.base.width), np.float32)
            np.add.at(sums, self._of, self._directions)
            which, counts = np.arange(len(self.rows)), self._counts
            lengths = np.bincount(self._of, self._lengths, len(self.rows)) / np.maximum(counts, 1)
        else:
            which = self._of[without:without + 1]
            others = np.flatnonzero(self._of == which)
            others = others[others != without]
            sums = self._directions[others].sum(axis=0, keepdims=True)
            counts = self._counts[which] - 1
            lengths = self._lengths[others].mean(keepdims=True)
        return self._made(which, (sums / counts[:, None]).astype(np.float32), counts, lengths)

    def _made(self, which: "NDArray[np.intp]", means: "Array", counts: "NDArray[np.int64]",
              lengths: "NDArray[np.floating]") -> "Array":
        """means: of the directions of the examples of these labels; lengths: of the examples."""
        direction = unit_rows(means)
        told = self._contrast(direction)
        kept = np.einsum("md,md->m", told, means)
        told *= (np.einsum("md,md->m", direction, means)
                 / np.where(np.abs(kept) > 1e-9, kept, 1))[:, None]
        own = (self.rule.own / counts)[:, None].astype(np.float32)
        told_of = [self._own(row) for row in self.rows[which].tolist()]
        vectors = (1 - own) * self._mean + own * np.array(told_of, np.float32).reshape(
            -1, len(self._mean))
        steep = self._pulls[which]
        pulls = (steep * self.sigma / np.maximum(lengths, 1e-6))[:, None] * told
        vectors[:, :self.base.width] += pulls
        bias = self.rule.bias - (steep - self.rule.pull) * self.rule.unlike
        return self._raised(vectors.astype(np.float32),
                            bias * self.sigma - pulls @ self.base.middle)

    def _own(self, row: int) -> "Array":
        """The vector of a label, or the mean of those of its parents."""
        if row < len(self.base.vectors):
            return self.base.vectors[row]
        parents = [one for one in self.base.parents[row - len(self.base.vectors)]
                   if one < len(self.base.vectors)]
        return self.base.vectors[parents].mean(axis=0) if parents else self._mean

    def _raised(self, vectors: "Array", by: "NDArray[np.floating]") -> "Array":
        """The vectors, whose products are larger by so much with all photos: in the dimension of
        the prior, where all have the same, or else along the centre."""
        prior, middle = self.base.prior_dimension, self.base.middle
        length = float(np.linalg.norm(middle))
        if prior is not None and len(self._embeddings):
            constant = float(self._embeddings[:, prior].mean())
            if abs(constant) > 1e-6:
                vectors[:, prior] += (by / constant).astype(np.float32)
        elif length > _COMMON:
            vectors[:, :self.base.width] += (by[:, None] * middle / length ** 2).astype(np.float32)
        return vectors

    def lowered(self, vector: "Array", direction: "Array", length: float, by: float) -> "Array":
        """A vector whose products fall by so much with photos like one that lies this way of the
        centre, a unit vector ``[D']``, and so far; not along what is the vector's own in that."""
        meaning = unit_rows(vector[None, :self.base.width])[0]
        free = direction - (direction @ meaning) * meaning
        step = by / (max(length, 1e-6) * self.rule.similar * max(float(free @ free), _LEAST))
        changed = vector.copy()
        changed[:self.base.width] -= np.float32(step) * free
        return self._raised(changed[None], np.array([step * float(free @ self.base.middle)]))[0]

    def filled(self, vectors: "Array") -> "Array":
        """Vectors of new labels at unit length: what is missing is in the dimension behind the
        prior, where photos have nothing; where there is none, they stay as they are."""
        prior = self.base.prior_dimension
        if prior is None or prior + 1 >= vectors.shape[1]:
            return vectors
        filled = vectors.copy()
        filled[:, prior + 1] = 0
        rest = 1 - np.einsum("md,md->m", filled, filled)
        filled[:, prior + 1] = np.sqrt(np.maximum(rest, 0))
        return filled


def _sigma(base: Base, embeddings: "Array", temperature: float) -> float:
    """See Rule: the mean over a sample of the photos."""
    if len(base.vectors) < _FEW or not len(embeddings):
        return _SIGMAS * temperature
    step = -(-len(embeddings) // _SAMPLED)
    return float((embeddings[::step] @ base.vectors.T).std(axis=1).mean())


def _lower(prototypes: Prototypes, denied: Examples, changed: "dict[int, Array]",
           seconds: "dict[int, Array]", below: "Callable[[int], Iterable[int]]") -> None:
    """Have the labels that photos do not show, and all under these, behind others."""
    base, rule = prototypes.base, prototypes.rule
    margin = rule.margin * prototypes.sigma
    products = denied.embeddings @ base.vectors.T
    away = prototypes.away(denied.embeddings)
    for at, row in enumerate(denied.rows.tolist()):
        embedding, length = denied.embeddings[at], float(np.linalg.norm(away[at]))
        direction = away[at] / max(length, 1e-6)
        family = {row, *below(row)}
        own = products[at].copy()
        for one, vector in changed.items():
            if one < len(own):
                own[one] = embedding @ vector
        similar = _like(prototypes, direction, embedding, length)
        taught = {one: similar(vector) for one, vector in (
            *seconds.items(), *((new, changed[new]) for new in changed if new >= len(own)))}
        others = np.delete(own, [one for one in family if one < len(own)])
        rival = max([float(others.max(initial=-np.inf)),
                     *(product for one, product in taught.items() if one not in family)])
        if not np.isfinite(rival):
            continue
        for one in sorted(family):
            for product, vectors in ((own[one] if one < len(own) else None, changed),
                                     (taught.get(one), seconds if one < len(own) else changed)):
                if product is None or product + margin <= rival:
                    continue
                vector = vectors[one] if one in vectors else base.vectors[one]
                vectors[one] = prototypes.lowered(vector, direction, length,
                                                  float(product) - rival + margin)


def _lowered_beside(prototypes: Prototypes, denied: Examples,
                    below: "Callable[[int], Iterable[int]]") -> "dict[int, Array]":
    """The same for what stands beside other things: the vectors that are other ones then."""
    beside, absent = prototypes.base.beside, prototypes.rule.absent
    if beside is None or not len(beside.rows):
        return {}
    own = dict(zip(beside.rows.tolist(), beside.vectors, strict=True))
    changed: dict[int, Array] = {}
    away = prototypes.away(denied.embeddings)
    for at, row in enumerate(denied.rows.tolist()):
        length = float(np.linalg.norm(away[at]))
        for one in sorted({row, *below(row)} & own.keys()):
            vector = changed[one] if one in changed else own[one]
            odds = float(denied.embeddings[at] @ vector) / beside.unit + beside.offset
            if odds > absent:
                changed[one] = prototypes.lowered(
                    vector, away[at] / max(length, 1e-6), length, (odds - absent) * beside.unit)
    return changed


def _like(prototypes: Prototypes, direction: "Array", embedding: "Array",
          length: float) -> "Callable[[Array], float]":
    """The product of a taught vector with photos that are like this one, not the same."""
    width, similar = prototypes.base.width, prototypes.rule.similar

    def product(vector: "Array") -> float:
        along = float(vector[:width] @ direction) * length
        return float(vector @ embedding) - (1 - similar) * along
    return product
