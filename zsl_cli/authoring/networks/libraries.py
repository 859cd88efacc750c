"""The libraries whose checkpoints are read."""

import importlib
from typing import Any

from zsl_cli.errors import ZslError
from zsl_cli.support import extras
from zsl_cli.support.wording import reason


def library(module: str, purpose: str) -> Any:
    """A module of the extra ``checkpoints``, or one that comes with them.

    Raises MissingExtraError where it is not installed, and ZslError where it cannot be imported:
    most of them import torchvision, which beside another torch than its own fails in many ways.
    """
    try:
        with extras.needed("checkpoints", purpose):
            return importlib.import_module(module)
    except ZslError:
        raise
    except Exception as error:
        raise ZslError(f"{purpose} needs {module}, which cannot be imported: {reason(error)}"
                       ) from error
