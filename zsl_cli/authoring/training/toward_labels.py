"""M toward a vocabulary's label vectors by gradient descent: a model's, or from nought."""

from typing import TYPE_CHECKING

from zsl_cli.authoring.training import correction, from_nought
from zsl_cli.authoring.training.label_vectors import meanings

if TYPE_CHECKING:
    from zsl_cli.authoring.training.examples import Examples
    from zsl_cli.authoring.training.fitted import Corrected, FromNought
    from zsl_cli.authoring.training.from_nought import ObjectiveOf
    from zsl_cli.authoring.training.session import Session


def fit(examples: "Examples", session: "Session", objective_of: "ObjectiveOf",
        decay: float | None, shift: float | None) -> "Corrected | FromNought":
    """See correction.fit and from_nought.fit."""
    known = session.start.projection
    if known is not None:
        return correction.fit(examples, known, session, objective_of, decay, shift)
    vocabulary = examples.vocabulary
    return from_nought.fit(examples, meanings(vocabulary), vocabulary.space, session,
                           objective_of, decay)
