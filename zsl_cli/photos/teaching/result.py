"""What came of teaching."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from zsl_cli.errors import ImageError


@dataclass(frozen=True)
class Learnt:
    """What a label has learnt.

    path: the names above it, and its own. is_new: whether it is no label of the base. added:
    lessons of this time. shows, denies: photos that show it and that do not, by now. found, tried:
    of the photos that show it how many have it first when they are left out; 0 of 0 for one alone.
    synonyms: what else it is called.
    """

    id: str
    name: str
    path: tuple[str, ...]
    is_new: bool
    added: int
    shows: int
    denies: int
    found: int = 0
    tried: int = 0
    synonyms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Remark:
    """A lesson that a person should look at.

    kind: see checks.Doubt, or ``replaced``, where the same photo was said to be something else
    before. photo, label: of the lesson; other_photo, other_label: what it is about, if anything.
    """

    kind: str
    photo: str
    label: str
    other_photo: str = ""
    other_label: str = ""


@dataclass(frozen=True)
class TeachResult:
    """What came of ``teach``.

    folder, name: of the taught vocabulary. base: what it is made over. is_new: whether it was made.
    labels: that learnt something. lessons: how many there are by now; known: how many of those that
    were asked for were there already. failures: photos that could not be read.
    cost: the share of photos of the base's labels that had the right label first and have another
    one now, estimated; cost_before: the same before.
    left_out: lessons from which nothing follows, since they are of another space, or of a label
    that is not there.
    unknown: words in sidecars that are no labels, or of several, and how often they were met.
    """

    folder: Path
    name: str
    base: str
    is_new: bool
    labels: tuple[Learnt, ...]
    lessons: int
    known: int
    failures: tuple[tuple[str, ImageError], ...]
    remarks: tuple[Remark, ...]
    cost: float
    cost_before: float
    left_out: int = 0
    unknown: Mapping[str, int] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether all photos could be read."""
        return not self.failures


@dataclass(frozen=True)
class Change:
    """What was changed: the taught vocabulary, how many lessons and which new labels went, or were
    taken over; and what could not be, in words."""

    folder: Path
    lessons: int
    labels: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
