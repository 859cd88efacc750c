"""The hinge rank loss of DeViSE."""

from dataclasses import dataclass
from typing import ClassVar

from zsl_cli.authoring.training.methods.shared import HingeRanked, TowardLabels


@dataclass(frozen=True)
class Rank(TowardLabels, HingeRanked):
    """``Σ_{j ≠ label} max(0, margin − t_label · M v + t_j · M v)``, an image: every wrong label
    that comes nearer than the margin is pushed away (Frome et al., 2013, equation 1).

    To choose first: only the order of labels counts, so that those which nobody trained on keep
    their place best. With very many labels in the data ``negatives=sampled`` is quicker;
    ``negatives=first`` is the paper's own way.
    """

    name: ClassVar[str] = "rank"
    summary: ClassVar[str] = "hinge rank loss (DeViSE)"
