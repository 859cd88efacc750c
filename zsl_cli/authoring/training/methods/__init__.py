"""The methods of training, a file each; importing them imports neither torch nor NumPy.

A new one is a frozen dataclass, a Method, in a file of its own; here it is imported, and stands in
METHODS.
"""

from zsl_cli.authoring.training.methods.base import Method
from zsl_cli.authoring.training.methods.conse import Conse
from zsl_cli.authoring.training.methods.cross_entropy import CrossEntropySoftmax
from zsl_cli.authoring.training.methods.l2 import L2
from zsl_cli.authoring.training.methods.random_labels import RandomLabels
from zsl_cli.authoring.training.methods.rank import Rank
from zsl_cli.authoring.training.methods.ridge import Ridge
from zsl_cli.authoring.training.methods.softmax import Softmax
from zsl_cli.authoring.training.methods.wsabie import Wsabie

METHODS: tuple[type[Method], ...] = (
    Rank, CrossEntropySoftmax, L2, Softmax, RandomLabels, Wsabie, Conse, Ridge)
"""Those that the command line offers, the one to try first in front."""
