"""The hierarchy over labels as arrays: what confidences are summed over and keywords chosen by.

Reading every label of a large vocabulary takes a tenth of a second, so the arrays are kept in the
user's cache, under the hash of the labels' file; they are made anew where they are not there or are
not the user's own.
"""

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from zsl_cli.support import files
from zsl_cli.vocabulary.label import LABELS_FILE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.vocabulary.vocabulary import Vocabulary

_LAYOUT = 1  # of the cached file; another number for another layout


@dataclass(frozen=True)
class Taxonomy:
    """Of n labels, by their rows.

    above: int32, the rows that lie above each label by any path, itself first: those of row i are
        ``above[offsets[i]:offsets[i + 1]]``; offsets: int64 ``[n + 1]``.
    information: float32 ``[n]``, how much the label tells: ``1 - log(leaves under it) / log(all
        leaves)``, 0 for one root over all and 1 for a leaf (Deng et al., 2012, Hedging Your Bets).
    plain: bool ``[n]``, whether people have a word for it; sensitive: whether the word hurts where
        it is wrong; leaf: whether nothing lies below.
    """

    offsets: "NDArray[np.int64]"
    above: "NDArray[np.int32]"
    information: "NDArray[np.float32]"
    plain: "NDArray[np.bool_]"
    sensitive: "NDArray[np.bool_]"
    leaf: "NDArray[np.bool_]"

    @classmethod
    def of(cls, vocabulary: "Vocabulary") -> Self:
        """From the cache, or else from the labels."""
        entry = vocabulary.manifest.files.get(LABELS_FILE)
        if entry is None:  # labels that lie in no folder
            return cls._made(vocabulary)
        path = _folder() / f"{hashlib.sha256(f'{_LAYOUT} {entry.sha256}'.encode()).hexdigest()}.npz"
        if kept := cls._load(path, len(vocabulary)):
            return kept
        made = cls._made(vocabulary)
        with suppress(OSError):  # costs time only, each time
            made._save(path)
        return made

    def __len__(self) -> int:
        return len(self.leaf)

    def lineage(self, row: int) -> "NDArray[np.int32]":
        """The rows above a label, itself first."""
        return self.above[self.offsets[row]:self.offsets[row + 1]]

    @classmethod
    def _made(cls, vocabulary: "Vocabulary") -> Self:
        hierarchy, labels = vocabulary.hierarchy, vocabulary.labels
        lineages = [[row, *sorted(hierarchy.ancestors(row) - {row})] for row in range(len(labels))]
        above = np.array([one for rows in lineages for one in rows], np.int32)
        offsets = np.cumsum([0, *map(len, lineages)], dtype=np.int64)
        leaf = np.array([not hierarchy.children(row) for row in range(len(labels))], bool)
        below = np.bincount(above, np.repeat(leaf, np.diff(offsets)), len(labels))
        all_leaves = max(int(leaf.sum()), 2)
        information = 1 - np.log(np.maximum(below, 1)) / np.log(all_leaves)
        return cls(offsets, above, information.astype(np.float32),
                   np.array([bool(label.plain) for label in labels], bool),
                   np.array([label.sensitive for label in labels], bool), leaf)

    @classmethod
    def _load(cls, path: Path, labels: int) -> Self | None:
        """What is kept, if it is the user's own and can be that of so many labels."""
        try:
            if files.why_not_own(path) or files.why_not_own(path.parent):
                return None
            with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                kept = cls(**{field.name: arrays[field.name] for field in fields(cls)})
        except Exception:  # a damaged file fails in as many ways as it has bytes
            return None
        return kept if kept._is_sound(labels) else None

    def _is_sound(self, labels: int) -> bool:
        each = (self.information, self.plain, self.sensitive, self.leaf)
        return (all(array.shape == (labels,) for array in each)
                and self.offsets.shape == (labels + 1,) and self.above.ndim == 1
                and self.offsets[0] == 0 and self.offsets[-1] == len(self.above)
                and bool((np.diff(self.offsets) > 0).all())
                and self.above.dtype.kind == self.offsets.dtype.kind == "i"
                and self.information.dtype.kind == "f"
                and all(array.dtype == bool for array in each[1:])
                and (not labels or 0 <= self.above.min() <= self.above.max() < labels))

    def _save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if files.why_not_own(path.parent):
            return
        with files.replacing(path) as file:
            np.savez(file, **{field.name: getattr(self, field.name) for field in fields(self)})


def _folder() -> Path:
    from platformdirs import user_cache_path

    return Path(os.path.realpath(user_cache_path("zsl", appauthor=False))) / "taxonomy"
