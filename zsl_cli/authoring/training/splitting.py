"""Which images are trained on, and which are held out to validate with."""

from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.errors import ZslError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SHARE = {"image": 0.1, "class": 0.2}
_FEWEST = 5  # images of a class of which one may be spared for validation
_STREAM = 1_000_002  # of random numbers, beyond any epoch's


def split(target: "NDArray[np.int64]", kind: str, seed: int,
          ) -> "tuple[NDArray[np.int64], NDArray[np.int64]]":
    """The rows to train on and those to validate with: a share of each class's images, or all
    images of a share of the classes. Raises ZslError when nothing can be spared.

    kind: ``image``, ``class`` or ``none``, as the schedule's ``validation``.
    """
    random = np.random.default_rng([seed, _STREAM])
    everything = np.arange(len(target))
    if kind == "none":
        return everything, everything[:0]
    classes = np.unique(target)
    if kind == "class":
        count = round(_SHARE[kind] * len(classes))
        if count < 1 or len(classes) - count < 2:
            raise ZslError(f"{len(classes)} classes are too few to hold some out; give "
                           "`validation=image` or none")
        chosen = np.isin(target, random.permutation(classes)[:count])
        return everything[~chosen], everything[chosen]
    spared: list[int] = []
    for one in classes:
        rows = np.flatnonzero(target == one)
        if len(rows) >= _FEWEST:
            spared += random.permutation(rows)[:max(1, round(_SHARE[kind] * len(rows)))].tolist()
    chosen = np.isin(everything, spared)
    return everything[~chosen], everything[chosen]
