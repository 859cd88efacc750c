"""What a method of training is: its parameters, what it needs, and how it makes M of images."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from zsl_cli.authoring.training.parameters import check_values, parameters
from zsl_cli.errors import RequestError, ZslError

if TYPE_CHECKING:
    from zsl_cli.authoring.training.examples import Examples
    from zsl_cli.authoring.training.fitted import Fitted
    from zsl_cli.authoring.training.schedule import Schedule
    from zsl_cli.authoring.training.session import Session
    from zsl_cli.authoring.training.start import Start


@dataclass(frozen=True)
class Method(ABC):
    """A way to make M: a frozen dataclass in a file of its own, whose fields are its parameters
    (see ``training.parameters``).

    It may be trained with as it is; a line in ``methods.METHODS`` has the command line offer it.

    name: what it is called in requests, and in the record of a training.
    summary: what it does, in some words.
    trains: whether images change anything; without it there are no views and no decay.
    in_epochs: whether it is trained in epochs, by gradient descent.
    goes_on: whether an M of the vocabulary's space is a beginning for it.
    own_labels: whether it knows the labels that are trained on alone, and has vectors for no
        others.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    trains: ClassVar[bool] = True
    in_epochs: ClassVar[bool] = True
    goes_on: ClassVar[bool] = False
    own_labels: ClassVar[bool] = False

    def __post_init__(self) -> None:
        """Raises RequestError for a parameter that is not allowed."""
        check_values(self)

    def check_schedule(self, schedule: "Schedule") -> None:
        """Raise RequestError for a schedule that cannot be taken, before anything is read."""
        if schedule.validation == "class" and self.own_labels:
            raise RequestError(f"`method={self.name}` knows its training labels alone, so none can "
                               "be held out; give `validation=image` or none")

    def check_start(self, start: "Start") -> None:
        """Raise ZslError for a network, or an M, that is no beginning, before any image is
        read."""
        for name, declared in parameters(self).items():
            if (declared.only_on_a_model and start.projection is None
                    and getattr(self, name) is not None):
                raise ZslError(f"`{name}` does nothing where M begins with zero")

    @abstractmethod
    def fit(self, examples: "Examples", session: "Session") -> "Fitted":
        """M from images. Raises ZslError.

        session: has what M begins with, and where its state is kept.
        """
