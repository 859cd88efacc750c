"""The numbers by which a label learns from photos."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """How strongly examples count. ``sigma`` is how much the inner products of one photo with all
    labels differ, their standard deviation: nearly the same for all photos of a space, and what
    makes the numbers hold in any.

    pull: sigmas that a photo gains that is just like the examples; with the cosine of its meaning
        and theirs, the examples' mean.
    bias: sigmas that every photo gains.
    own: how much of the label's own vector is in that of its first example; with n examples it is
        an n-th of that. A new label has that of its parents instead.
    contrast: how many examples' worth of the plain cosine stand against the difference of what was
        taught: examples of other labels pull a vector away from what all have in common. From very
        much on they do not.
    similar: the cosine, to a photo that does not show a label, of those that are meant too.
    margin: sigmas by which the label is behind another one then.

    absent: the log-odds of what stands beside other things, such as a person or grass, in photos
        like one that does not show it.
    lead: sigmas by which a new label is to be before what its examples were called so far, which
        it may have to be told from by much: on its examples, each left out. It then has a steeper
        pull, up to ``steepest``, from a photo on whose cosine is ``unlike``, whose product stays.

    ``pull``, ``bias`` and ``own`` were chosen on half of the classes of a set, ``similar`` and
    ``margin`` on pairs of a class and its usual mistake: see benchmarks/teach.py.
    """

    pull: float = 11.2
    bias: float = 0.8
    own: float = 0.45
    contrast: float = 20.0
    similar: float = 0.7
    margin: float = 1.8
    absent: float = -2.0
    lead: float = 1.0
    steepest: float = 20.0
    unlike: float = 0.25
