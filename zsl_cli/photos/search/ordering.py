"""What is done with photos that were found: near-duplicates folded, strays left behind."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.photos.search.result import Hit
from zsl_cli.support.vectors import unit_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALIKE = 0.85
"""The cosine in the joint space from which on two photos are near-duplicates. With the default
model, of copies of 100 flickr8k photos that were saved at quality 50, mirrored, made lighter or cut
by a tenth 92 to 100 % reach it; of the 800 photos that are there five have another one so near."""


@dataclass(frozen=True)
class Found:
    """A photo and its unit vector in the joint space, float32 ``[width]``."""

    hit: Hit
    vector: "NDArray[np.float32]"


def folded(found: Iterable[Found], groups: int) -> list[Found]:
    """Of photos, the nearest to the query first, so many of which no two are near-duplicates; each
    has the others of its kind in ``alike``."""
    kept: list[Found] = []
    alike: list[list[str]] = []
    for one in found:
        cosines = np.array([other.vector for other in kept]) @ one.vector if kept else np.empty(0)
        best = int(cosines.argmax()) if len(cosines) else -1
        if best >= 0 and cosines[best] >= ALIKE:
            alike[best].append(one.hit.path)
        else:
            kept.append(one)
            alike.append([])
    return [replace(one, hit=replace(one.hit, alike=tuple(others)))
            for one, others in zip(kept[:groups], alike, strict=False)]


def by_centre(found: Sequence[Found]) -> list[Found]:
    """Photos by how near they are to their centre, the mean of their unit vectors: what was found
    for a query that is off the photos' distribution has strays in it, which are near to the query
    and to nothing else (Kiros et al., 2014)."""
    if not found:
        return []
    vectors = np.array([one.vector for one in found])
    cosines = vectors @ unit_rows(vectors.mean(axis=0, keepdims=True))[0]
    return [replace(found[at], hit=replace(found[at].hit, centre=float(cosines[at])))
            for at in np.argsort(-cosines, kind="stable").tolist()]
