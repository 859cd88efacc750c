"""Zero-shot image classification: a photo in, the nearest of tens of thousands of labels out.

The four names of the Python API are imported on first use, so that ``zsl --help`` does not
pay for NumPy and ONNX Runtime.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zsl_cli.classifier import Classifier, Prediction
    from zsl_cli.model import Model
    from zsl_cli.vocabulary import Vocabulary

__version__ = "0.1.0"
__all__ = ["Classifier", "Model", "Prediction", "Vocabulary", "__version__"]

_HOME = {
    "Classifier": "zsl_cli.classifier",
    "Prediction": "zsl_cli.classifier",
    "Model": "zsl_cli.model",
    "Vocabulary": "zsl_cli.vocabulary",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOME[name]), name)
