"""From a ready ONNX model, as others publish them, to a model folder. Needs the extra ``hub``, and
no PyTorch.

    from zsl_cli.authoring.importing import ImportRequest, import_model

    result = import_model(ImportRequest("clip-vit-base-patch32/", "models/clip"))

``layouts`` has the layouts that are known, ``completion`` what a graph is completed with.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zsl_cli.authoring.importing.request import ImportRequest, Repository
from zsl_cli.support import extras

if TYPE_CHECKING:
    from zsl_cli.authoring.importing.stages import ImportResult, import_model

_WHERE = {"ImportResult": "stages", "import_model": "stages"}

__all__ = ["ImportRequest", "ImportResult", "Repository", "import_model"]


def __getattr__(name: str) -> Any:
    """What is asked for is imported then. Raises MissingExtraError."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with extras.needed("hub", "importing"):
        import_module("onnx")
        return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
