"""Zero-shot image classification: a photo in, the nearest of tens of thousands of labels out.

The names of the Python API are imported on first use, so that ``zsl --help`` does not
pay for NumPy and ONNX Runtime.
"""

import os
from typing import TYPE_CHECKING, Any

from zsl_cli.support.version import __version__

if TYPE_CHECKING:
    from zsl_cli.authoring.calibrating import CalibrationRequest, CalibrationResult, calibrate
    from zsl_cli.authoring.exporting import ExportRequest, ExportResult, export
    from zsl_cli.authoring.importing import ImportRequest, ImportResult, import_model
    from zsl_cli.authoring.training.request import TrainRequest
    from zsl_cli.authoring.training.result import TrainResult
    from zsl_cli.authoring.training.stages import train
    from zsl_cli.authoring.vocabularies.build import BuildRequest, BuildResult, build_vocabulary
    from zsl_cli.authoring.vocabularies.encode import (
        EncodeRequest,
        EncodeResult,
        encode_vocabulary,
    )
    from zsl_cli.authoring.vocabularies.names.build import NamesRequest, NamesResult, build_names
    from zsl_cli.classifier.classifier import Classifier
    from zsl_cli.classifier.predictions import Prediction
    from zsl_cli.classifier.sentences import SentenceEncoder
    from zsl_cli.embedding.model import Model
    from zsl_cli.evaluation.captions.retrieval import RetrievalRequest, evaluate_retrieval
    from zsl_cli.evaluation.captions.retrieval_result import RetrievalResult
    from zsl_cli.evaluation.captions.words import WordsRequest, evaluate_words
    from zsl_cli.evaluation.captions.words_result import WordsResult
    from zsl_cli.evaluation.evaluate import evaluate
    from zsl_cli.evaluation.request import EvaluationRequest
    from zsl_cli.evaluation.result import EvaluationResult
    from zsl_cli.photos.annotating import AnnotateRequest, Annotation, annotate
    from zsl_cli.photos.cluster.engine import label_on_ray
    from zsl_cli.photos.cluster.request import ClusterRequest
    from zsl_cli.photos.cluster.taking_over import TakeOverRequest, take_over
    from zsl_cli.photos.indexing import IndexRequest, index
    from zsl_cli.photos.labelling import label
    from zsl_cli.photos.request import LabelRequest
    from zsl_cli.photos.result import IndexResult, LabelResult
    from zsl_cli.photos.search.request import Query, SearchRequest
    from zsl_cli.photos.search.result import Hit, SearchResult
    from zsl_cli.photos.search.searching import search
    from zsl_cli.photos.teaching.request import TeachRequest
    from zsl_cli.photos.teaching.result import TeachResult
    from zsl_cli.photos.teaching.teaching import teach
    from zsl_cli.photos.undo import UndoRequest, UndoResult, undo
    from zsl_cli.support.word_lists import Word, read_words
    from zsl_cli.vocabulary.vocabulary import Vocabulary

# ONNX Runtime from 1.31 on reports to its makers and writes a device id into the user's cache,
# unless it is told not to before it is imported. What is in photos is nobody's business.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
os.environ.setdefault("ORT_TELEMETRY_DISABLED", "1")  # the name in development versions

__all__ = [
    "AnnotateRequest", "Annotation", "BuildRequest", "BuildResult", "CalibrationRequest",
    "CalibrationResult", "Classifier", "ClusterRequest", "EncodeRequest", "EncodeResult",
    "EvaluationRequest", "EvaluationResult", "ExportRequest", "ExportResult", "Hit",
    "ImportRequest", "ImportResult", "IndexRequest", "IndexResult", "LabelRequest", "LabelResult",
    "Model", "NamesRequest", "NamesResult", "Prediction", "Query", "RetrievalRequest",
    "RetrievalResult", "SearchRequest", "SearchResult", "SentenceEncoder", "TakeOverRequest",
    "TeachRequest", "TeachResult", "TrainRequest", "TrainResult", "UndoRequest", "UndoResult",
    "Vocabulary", "Word", "WordsRequest", "WordsResult", "__version__", "annotate", "build_names",
    "build_vocabulary", "calibrate", "encode_vocabulary", "evaluate", "evaluate_retrieval",
    "evaluate_words", "export", "import_model", "index", "label", "label_on_ray", "read_words",
    "search", "take_over", "teach", "train", "undo"]

_HOME = {
    "IndexRequest": "zsl_cli.photos.indexing",
    "IndexResult": "zsl_cli.photos.result",
    "index": "zsl_cli.photos.indexing",
    "LabelRequest": "zsl_cli.photos.request",
    "LabelResult": "zsl_cli.photos.result",
    "label": "zsl_cli.photos.labelling",
    "ClusterRequest": "zsl_cli.photos.cluster.request",
    "label_on_ray": "zsl_cli.photos.cluster.engine",
    "TakeOverRequest": "zsl_cli.photos.cluster.taking_over",
    "take_over": "zsl_cli.photos.cluster.taking_over",
    "AnnotateRequest": "zsl_cli.photos.annotating",
    "Annotation": "zsl_cli.photos.annotating",
    "annotate": "zsl_cli.photos.annotating",
    "Hit": "zsl_cli.photos.search.result",
    "Query": "zsl_cli.photos.search.request",
    "SearchRequest": "zsl_cli.photos.search.request",
    "SearchResult": "zsl_cli.photos.search.result",
    "search": "zsl_cli.photos.search.searching",
    "TeachRequest": "zsl_cli.photos.teaching.request",
    "TeachResult": "zsl_cli.photos.teaching.result",
    "teach": "zsl_cli.photos.teaching.teaching",
    "UndoRequest": "zsl_cli.photos.undo",
    "UndoResult": "zsl_cli.photos.undo",
    "undo": "zsl_cli.photos.undo",
    "EvaluationRequest": "zsl_cli.evaluation.request",
    "EvaluationResult": "zsl_cli.evaluation.result",
    "evaluate": "zsl_cli.evaluation.evaluate",
    "RetrievalRequest": "zsl_cli.evaluation.captions.retrieval",
    "RetrievalResult": "zsl_cli.evaluation.captions.retrieval_result",
    "evaluate_retrieval": "zsl_cli.evaluation.captions.retrieval",
    "WordsRequest": "zsl_cli.evaluation.captions.words",
    "WordsResult": "zsl_cli.evaluation.captions.words_result",
    "evaluate_words": "zsl_cli.evaluation.captions.words",
    "CalibrationRequest": "zsl_cli.authoring.calibrating",
    "CalibrationResult": "zsl_cli.authoring.calibrating",
    "calibrate": "zsl_cli.authoring.calibrating",
    "ExportRequest": "zsl_cli.authoring.exporting",
    "ExportResult": "zsl_cli.authoring.exporting",
    "export": "zsl_cli.authoring.exporting",
    "BuildRequest": "zsl_cli.authoring.vocabularies.build",
    "BuildResult": "zsl_cli.authoring.vocabularies.build",
    "build_vocabulary": "zsl_cli.authoring.vocabularies.build",
    "NamesRequest": "zsl_cli.authoring.vocabularies.names.build",
    "NamesResult": "zsl_cli.authoring.vocabularies.names.build",
    "build_names": "zsl_cli.authoring.vocabularies.names.build",
    "EncodeRequest": "zsl_cli.authoring.vocabularies.encode",
    "EncodeResult": "zsl_cli.authoring.vocabularies.encode",
    "encode_vocabulary": "zsl_cli.authoring.vocabularies.encode",
    "ImportRequest": "zsl_cli.authoring.importing",
    "ImportResult": "zsl_cli.authoring.importing",
    "import_model": "zsl_cli.authoring.importing",
    "TrainRequest": "zsl_cli.authoring.training.request",
    "TrainResult": "zsl_cli.authoring.training.result",
    "train": "zsl_cli.authoring.training.stages",
    "Classifier": "zsl_cli.classifier.classifier",
    "Prediction": "zsl_cli.classifier.predictions",
    "SentenceEncoder": "zsl_cli.classifier.sentences",
    "Model": "zsl_cli.embedding.model",
    "Vocabulary": "zsl_cli.vocabulary.vocabulary",
    "Word": "zsl_cli.support.word_lists",
    "read_words": "zsl_cli.support.word_lists",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
