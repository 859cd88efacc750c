"""From a trained PyTorch checkpoint to a model folder. Needs the extra ``export``.

    from zsl_cli.authoring.exporting import ExportRequest, Hints, export

    result = export(ExportRequest("resnet.pth", "models/mine", Hints("timm:resnet18")))

``plan.make`` says what an export would be, and ``stages.export`` does it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zsl_cli.authoring.exporting.request import ExportRequest
from zsl_cli.authoring.networks.hints import Hints, InputOptions
from zsl_cli.support import extras

if TYPE_CHECKING:
    from zsl_cli.authoring.exporting.plan import Plan, make
    from zsl_cli.authoring.exporting.stages import ExportResult, export

_WHERE = {"ExportResult": "stages", "Plan": "plan", "export": "stages", "make": "plan"}

__all__ = ["ExportRequest", "ExportResult", "Hints", "InputOptions", "Plan", "export", "make"]


def __getattr__(name: str) -> Any:
    """What is asked for is imported then: a request needs no PyTorch. Raises MissingExtraError."""
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    with extras.needed("export", "exporting"):
        return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
