"""Shares: the softmax over all labels of a vocabulary, summed up its hierarchy.

What has next to no share adds nothing to a sum. What is left are float32 numbers of so few binary
places that their sums are exact in float64: in whatever order labels are added, and however few of
the sums are asked for, they are the same to the last bit.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from zsl_cli.vocabulary.hierarchy.taxonomy import Below, Taxonomy

    Array = NDArray[np.float32]
    Rows = NDArray[np.int64]

_LEAST = 1e-5
"""A share below which it adds nothing to a sum."""


def weights(products: "Array", scale: float, out: "Array | None" = None) -> "tuple[Array, Array]":
    """The terms of the softmax over the last axis, the largest 1, and their sum.

    scale: what an inner product is divided by.
    """
    terms = np.subtract(products, products.max(axis=-1, keepdims=True), out=out)
    terms /= scale
    np.exp(terms, out=terms)
    return terms, terms.sum(axis=-1, keepdims=True)


@dataclass(frozen=True)
class Wanted:
    """Labels whose sums are wanted of every image.

    rows: int64 ``[k]``, rising. places: int64 ``[labels]``, where a label is among these, -1 for
    one that is not. below: what lies under them; inner: which of them that are.
    """

    rows: "Rows"
    places: "Rows"
    below: "Below"
    inner: "Rows"

    @classmethod
    def of(cls, taxonomy: "Taxonomy", rows: "Rows") -> Self:
        """These rows, rising."""
        places = np.full(len(taxonomy), -1)
        places[rows] = np.arange(len(rows))
        below = taxonomy.below(rows)
        return cls(rows, places, below, places[below.rows])


@dataclass(frozen=True)
class Large:
    """Leaves whose share is large, m in all: image ``images[i]`` has ``rows[i]`` with
    ``shares[i]``; int64, int64 and float32 ``[m]``, image after image, rows rising."""

    images: "Rows"
    rows: "Rows"
    shares: "Array"


class Shares:
    """The shares of a vocabulary's labels."""

    def __init__(self, taxonomy: "Taxonomy", scale: float) -> None:
        """scale: what an inner product is divided by."""
        self._taxonomy, self._scale = taxonomy, scale

    def all(self, products: "Array") -> "Array":
        """The sums of all labels, ``[n, labels]``, out of their inner products."""
        sums = np.empty(products.shape, np.float32)
        for of_image, share in zip(sums, self._each(products), strict=True):
            of_image[:] = share
            self._taxonomy.add_below(of_image)
        return sums

    def some(self, products: "Array", wanted: Wanted) -> "Array":
        """The sums of the wanted labels, ``[n, k]``."""
        return self.chosen(products, wanted, np.empty((len(products), 0), np.int64), 2.0)[0]

    def chosen(self, products: "Array", wanted: Wanted, rows: "Rows",
               least: float) -> "tuple[Array, Array, Large]":
        """The sums of the wanted labels, ``[n, k]``, those of some rows ``[n, j]`` of each image,
        and the leaves that have this share at least: half the work of all sums."""
        taxonomy = self._taxonomy
        sums = np.empty((len(products), len(wanted.rows)), np.float32)
        of_rows = np.empty(rows.shape, np.float32)
        by_group = np.empty((len(products), taxonomy.groups))
        found: list[tuple[Rows, Array]] = []
        for image, share in enumerate(self._each(products)):
            by_group[image] = taxonomy.by_group(share)
            sums[image] = share[wanted.rows]
            sums[image, wanted.inner] += wanted.below.sums(by_group[image])
            of_rows[image] = share[rows[image]]
            large = np.flatnonzero((share >= max(least, _LEAST)) & taxonomy.leaf)
            found.append((large, share[large]))
        places = wanted.places[rows]
        at = np.nonzero((places < 0) & ~taxonomy.leaf[rows])
        of_rows[at] += taxonomy.sums_below(by_group, at[0], rows[at])  # rounded once
        if sums.size:
            of_rows = np.where(places < 0, of_rows, np.take_along_axis(sums, places, 1))
        images = np.repeat(np.arange(len(found)), [len(leaves) for leaves, _ in found])
        return sums, of_rows, Large(images, *map(np.concatenate, zip(*found, strict=True)))

    def _each(self, products: "Array") -> "Iterator[Array]":
        """The shares of each image, 0 for what adds to no sum; they hold until the next one's."""
        share = np.empty(products.shape[1], np.float32)  # stays in a core's cache
        for product in products:
            _, total = weights(product, self._scale, out=share)
            share /= total
            yield np.multiply(share, share > _LEAST, out=share)
