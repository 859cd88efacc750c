"""The hierarchy over labels as arrays: what confidences are summed over and keywords chosen by.

Reading every label of a large vocabulary takes a tenth of a second, so the arrays are kept in the
user's cache, under the hash of the labels' file; they are made anew where they are not there or are
not the user's own.
"""

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
from numpy.lib.format import read_array, write_array

from zsl_cli.support import files
from zsl_cli.vocabulary.names.label import LABELS_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from zsl_cli.support.manifests import VocabularyManifest
    from zsl_cli.vocabulary.hierarchy.hypernyms import Hierarchy
    from zsl_cli.vocabulary.names.label import Label
    from zsl_cli.vocabulary.taught.additions import Taught

_LAYOUT = 3  # of the cached file; another number for another layout


class Labels(Protocol):
    """What has labels and a hierarchy over them: a Vocabulary."""

    def __len__(self) -> int: ...

    @property
    def manifest(self) -> "VocabularyManifest":
        """What its folder says of it."""

    @property
    def taught(self) -> "Taught | None":
        """What was taught to it."""

    @property
    def labels(self) -> "Sequence[Label]":
        """All labels, in the order of the rows."""

    @property
    def hierarchy(self) -> "Hierarchy":
        """The graph of parents over the rows."""


@dataclass(frozen=True)
class Taxonomy:
    """Of n labels, by their rows. Labels with the same ones above them, such as all breeds of a
    dog, are a group, since sums over thousands of labels are then sums over a few groups.

    group: int64 ``[n]``.
    above: int64, the rows that lie above the labels of a group by any path: those of group g are
        ``above[offsets[g]:offsets[g + 1]]``; offsets: int64 ``[groups + 1]``.
    depth: int64 ``[groups]``, how many of these, from the first on, are the path to the root by the
        first parent of each (see Hierarchy.lineage).
    information: float32 ``[n]``, how much the label tells, see Hierarchy.information.
    plain: bool ``[n]``, whether people have a word for it; sensitive: whether the word hurts where
        it is wrong, as that of a label above it does, unless people have a word for it that does
        not (a lemur is a primate); leaf: whether nothing lies below.
    """

    group: "NDArray[np.int64]"
    offsets: "NDArray[np.int64]"
    above: "NDArray[np.int64]"
    depth: "NDArray[np.int64]"
    information: "NDArray[np.float32]"
    plain: "NDArray[np.bool_]"
    sensitive: "NDArray[np.bool_]"
    leaf: "NDArray[np.bool_]"

    @classmethod
    def of(cls, vocabulary: "Labels") -> Self:
        """From the cache, or else from the labels."""
        entry = vocabulary.manifest.files.get(LABELS_FILE)
        if entry is None:  # labels that lie in no folder
            return cls._made(vocabulary)
        digest = entry.sha256 + (vocabulary.taught.labels_digest if vocabulary.taught else "")
        # Several arrays, one behind the other: a zip of them would take longer to open.
        path = _folder() / f"{hashlib.sha256(f'{_LAYOUT} {digest}'.encode()).hexdigest()}.npy"
        if kept := cls._load(path, len(vocabulary)):
            return kept
        made = cls._made(vocabulary)
        with suppress(OSError):  # costs time only, each time
            made._save(path)
        return made

    def __len__(self) -> int:
        return len(self.leaf)

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return len(self.depth)

    def ancestors(self, row: int) -> "NDArray[np.int64]":
        """The rows above a label, by any path, without itself."""
        group = self.group[row]
        return self.above[self.offsets[group]:self.offsets[group + 1]]

    def lineage(self, row: int) -> "NDArray[np.int64]":
        """The rows above a label, itself first."""
        return np.concatenate([[row], self.ancestors(row)])

    def add_below(self, values: "NDArray[np.floating]") -> None:
        """Make of values ``[n]`` of labels the sums over what lies under each, itself included."""
        every = self.below_all
        values[every.rows] += every.sums(self.by_group(values))

    def by_group(self, values: "NDArray[np.floating]") -> "NDArray[np.float64]":
        """The sums ``[groups]`` of values ``[n]`` of labels."""
        return _sums(self.group, values, self.groups)

    def below(self, rows: "NDArray[np.int64]") -> "Below":
        """What lies under those of these labels, rising, that have something under them."""
        every = self.below_all
        wanted = np.isin(every.rows, rows, assume_unique=True)
        counts = every.counts[wanted]
        return Below(every.groups[np.repeat(wanted, every.counts)], np.cumsum(counts) - counts,
                     every.rows[wanted])

    def sums_below(self, by_group: "NDArray[np.float64]", images: "NDArray[np.int64]",
                   rows: "NDArray[np.int64]") -> "NDArray[np.float64]":
        """The sums ``[m]`` over what lies under some labels of some images, ``[m]`` of each,
        without themselves, of sums ``[n, groups]``."""
        every = self.below_all
        if not len(every.rows):
            return np.zeros(len(rows))
        places = np.minimum(np.searchsorted(every.rows, rows), len(every.rows) - 1)
        counts = np.where(every.rows[places] == rows, every.counts[places], 0)
        each = np.repeat(np.arange(len(rows)), counts)
        start = every.starts[places] - (np.cumsum(counts) - counts)
        groups = every.groups[np.arange(len(each)) + start[each]]
        return _sums(each, by_group[images[each], groups], len(rows))

    @cached_property
    def below_all(self) -> "Below":
        """What lies under all labels."""
        order = np.argsort(self.above, kind="stable")
        groups = np.repeat(np.arange(len(self.depth)), np.diff(self.offsets))[order]
        rows, starts = np.unique(self.above[order], return_index=True)
        return Below(groups, starts, rows)

    @cached_property
    def worded(self) -> bool:
        """Whether it says of any label that people have a word for it."""
        return bool(self.plain.any())

    @cached_property
    def telling(self) -> "NDArray[np.bool_]":
        """Which labels can be keywords, bool ``[n]``: those that people have a word for, and those
        under which there is nothing more; all where there are no such words."""
        return self.plain | self.leaf if self.worded else np.ones(len(self), bool)

    def everyday(self, row: int) -> list[int]:
        """The rows from the top of the everyday hierarchy down to a label, itself the last: of its
        path from the root those that people have a word for, or all where there are no such
        words. None has a word that hurts where it is wrong, unless the label's own does: a
        boomerang that is sure enough is not yet a weapon."""
        path = [*self.ancestors(row)[:self.depth[self.group[row]]][::-1].tolist(), row]
        return [one for one in path if one == row or (
            (not self.worded or self.plain[one])
            and (not self.sensitive[one] or self.sensitive[row]))]

    @classmethod
    def _made(cls, vocabulary: "Labels") -> Self:
        hierarchy, labels = vocabulary.hierarchy, vocabulary.labels
        groups: dict[tuple[int, tuple[int, ...]], int] = {}
        group = []
        for row in range(len(labels)):
            path = hierarchy.lineage(row)[-2::-1]
            others = hierarchy.ancestors(row).difference(path, [row])
            group.append(groups.setdefault((len(path), (*path, *sorted(others))), len(groups)))
        leaf = np.array([not hierarchy.children(row) for row in range(len(labels))], bool)
        made = cls(
            np.array(group, np.int64),
            np.cumsum([0, *(len(above) for _, above in groups)], dtype=np.int64),
            np.array([row for _, above in groups for row in above], np.int64),
            np.array([depth for depth, _ in groups], np.int64),
            hierarchy.information.astype(np.float32),
            np.array([bool(label.plain) for label in labels], bool),
            np.array([label.sensitive for label in labels], bool), leaf)
        return replace(made, sensitive=np.array([
            bool(made.sensitive[row if made.plain[row] else made.lineage(row)].any())
            for row in range(len(labels))], bool))

    @classmethod
    def _load(cls, path: Path, labels: int) -> Self | None:
        """What is kept, if it is the user's own and can be that of so many labels."""
        try:
            if files.why_not_own(path) or files.why_not_own(path.parent):
                return None
            with path.open("rb") as file:
                kept = cls(*(read_array(file, allow_pickle=False) for _ in fields(cls)))
        except Exception:  # a damaged file fails in as many ways as it has bytes
            return None
        return kept if kept._is_sound(labels) else None

    def _is_sound(self, labels: int) -> bool:
        each = (self.group, self.information, self.plain, self.sensitive, self.leaf)
        rows = (self.group, self.offsets, self.above, self.depth)
        counts = np.diff(self.offsets)
        return (all(array.shape == (labels,) for array in each)
                and all(array.dtype == np.int64 and array.ndim == 1 for array in rows)
                and self.information.dtype.kind == "f"
                and all(array.dtype == bool for array in each[2:])
                and self.offsets[0] == 0 and self.offsets[-1] == len(self.above)
                and counts.shape == self.depth.shape
                and bool(((self.depth >= 0) & (counts >= self.depth)).all())
                and _are_below(self.group, len(self.depth)) and _are_below(self.above, labels))

    def _save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if files.why_not_own(path.parent):
            return
        with files.replacing(path) as file:
            for field in fields(self):
                write_array(file, getattr(self, field.name), allow_pickle=False)
        path.chmod(0o600)  # whatever the umask: what a group may write to is not believed


@dataclass(frozen=True)
class Below:
    """What lies under some labels.

    groups: int64, by the label that is above them; starts: where those of each label start;
    rows: int64 ``[m]``, rising, the labels.
    """

    groups: "NDArray[np.int64]"
    starts: "NDArray[np.int64]"
    rows: "NDArray[np.int64]"

    @cached_property
    def counts(self) -> "NDArray[np.int64]":
        """How many groups lie under each."""
        return np.diff(self.starts, append=len(self.groups))

    def sums(self, by_group: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """``[m]``, over what lies under each, without itself, of sums by group."""
        return _sums(self._labels, by_group[self.groups], len(self.rows))

    @cached_property
    def _labels(self) -> "NDArray[np.int64]":
        """Of each of ``groups`` the place of the label that is above it."""
        return np.repeat(np.arange(len(self.rows)), self.counts)


def _sums(places: "NDArray[np.int64]", values: "NDArray[np.floating]",
          count: int) -> "NDArray[np.float64]":
    """The sums ``[count]`` of the values at each place: of many short ranges in half the time of
    reduceat."""
    return np.bincount(places, values, count).astype(np.float64, copy=False)


def _are_below(numbers: "NDArray[np.int64]", end: int) -> bool:
    return bool(((numbers >= 0) & (numbers < end)).all())


def _folder() -> Path:
    from platformdirs import user_cache_path

    return Path(os.path.realpath(user_cache_path("zsl", appauthor=False))) / "taxonomy"
