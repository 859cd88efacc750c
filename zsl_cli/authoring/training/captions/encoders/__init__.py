"""The sentence encoders, a file each; importing them imports neither torch nor NumPy."""

from zsl_cli.authoring.training.captions.encoders.base import Encoder
from zsl_cli.authoring.training.captions.encoders.linear import Linear
from zsl_cli.authoring.training.captions.encoders.lstm import Lstm
from zsl_cli.authoring.training.captions.encoders.mean import Mean
from zsl_cli.authoring.training.captions.encoders.sum import Sum

ENCODERS: tuple[type[Encoder], ...] = (Linear, Lstm, Mean, Sum)
"""Those that the command line offers, the one to try first in front."""

__all__ = ["ENCODERS", "Encoder", "Linear", "Lstm", "Mean", "Sum"]
