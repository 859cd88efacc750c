"""Parameters that several methods have."""

from zsl_cli.authoring.training.parameters import Parameter, Range

MARGIN = Parameter(
    Range(0, 10), "Between inner products with the right label and with wrong ones.", "X",
    unset="twice the temperature of the scores, which is 0.1 where M begins with nought")

NEGATIVES = Parameter(
    ("all", "sampled", "first"), "The labels that the right one has to beat: all of the data's, a "
    "sample, or the first that comes too near.")

SAMPLES = Parameter(Range(1, whole=True), "How many labels a sample has.", "N",
                    only_with=("negatives", "sampled"))

DECAY = Parameter(
    Range(0), "How strongly the change of M is drawn to nought.", "L",
    unset="chosen by holding out classes, where M begins with a model's (3e-4 with fewer than "
          "eight); else 1e-6")

SHIFT = Parameter(
    Range(0, 100), "By how much the trained labels are lowered for the others to keep their "
    "place, where M begins with a model's, in units of log-probabilities.", "X",
    unset="chosen with the decay, or 1 where that is given", only_on_a_model=True)
