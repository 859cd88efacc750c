"""The stages of a training on captions: images, sentences, both maps, the folder."""

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from zsl_cli.authoring.training import folder
from zsl_cli.authoring.training.fitted import History
from zsl_cli.authoring.training.log import Log
from zsl_cli.authoring.training.reporter import Reporter
from zsl_cli.authoring.training.session import STATE
from zsl_cli.evaluation.left_out import Collector
from zsl_cli.support.extras import needed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from zsl_cli.authoring.training.captions.base_model import BaseModel
    from zsl_cli.authoring.training.captions.examples import Examples
    from zsl_cli.authoring.training.captions.joint import Joint
    from zsl_cli.authoring.training.captions.request import CaptionRequest
    from zsl_cli.authoring.training.captions.result import CaptionResult
    from zsl_cli.authoring.training.trainer import Settings

_SUMMED = 3
"""With ``hardest``, the first of so many parts of the epochs sums over all mismatched pairs."""


def train_on_captions(request: "CaptionRequest",
                      reporter: Reporter | None = None) -> "CaptionResult":
    """Make a model folder whose images and sentences lie in one space (Kiros et al., 2014).

    The same request goes on where an interrupted one was; the same seed gives the same model.

    reporter: is told how it goes.

    Raises ZslError, MissingExtraError where PyTorch or onnx is not installed, and OSError.
    """
    with needed("train", "training"):
        import onnx  # noqa: F401
        import torch  # noqa: F401
    with folder.opened(request):
        return _train(request, reporter or Reporter())


def _train(request: "CaptionRequest", reporter: Reporter) -> "CaptionResult":
    from zsl_cli.authoring.training.captions import examples as captioned
    from zsl_cli.authoring.training.captions import writing
    from zsl_cli.authoring.training.captions.base_model import BaseModel
    from zsl_cli.authoring.training.captions.joint import Joint

    collector = Collector(reporter.left_out)
    base = BaseModel.named(str(request.model))
    vocabulary = writing.vocabulary_of(request, base)
    request.encoder.check(base)
    if request.restart:
        folder.clear(request.work)
    images = base.images(request.device)
    examples = captioned.read(request, images, request.encoder.judge(base), reporter,
                              collector)
    encoding = request.encoder.read(
        examples.sentences, len(examples.training.sentences), base, request.dimension, reporter)
    beginning = encoding.begin(examples.training, request.seed)
    joint = Joint(examples.training, examples.validation, encoding, beginning)
    history, recalls = _descend(joint, request, _identity(request, base, examples),
                                Log(reporter, request.work / folder.LOG))
    reporter.start("writing")
    return writing.write(request, base, vocabulary, images, examples, joint, encoding, history,
                         recalls, collector.left_out())


def _descend(joint: "Joint", request: "CaptionRequest", identity: str,
             log: Log) -> "tuple[History, Mapping[str, float]]":
    """The best epoch, or the beginning, where no epoch is better."""
    import torch

    from zsl_cli.authoring.training.trainer import Training, train

    began = [one.detach().clone() for one in joint.parameters()]
    recalls = joint.validate()
    log.begin("training", request.epochs)
    training = train(Training(joint, _settings(request)), request.work / STATE, identity, log)
    best = training.best
    if recalls and recalls[joint.criterion] > training.best_hit:
        best = 0
        with torch.no_grad():
            for one, value in zip(joint.parameters(), began, strict=True):
                one.copy_(value)
    return History(tuple(training.history), best), joint.validate()


def _settings(request: "CaptionRequest") -> "Settings":
    from zsl_cli.authoring.training.captions.ranking import PairwiseRanking, PairwiseSoftmax
    from zsl_cli.authoring.training.trainer import Settings

    objective = (PairwiseRanking(request.margin, request.hardest) if request.method == "rank"
                 else PairwiseSoftmax())
    # Where all are as near as others, the hardest pairs alone draw everything into one point.
    first = PairwiseRanking(request.margin) if request.hardest else None
    return Settings(objective, request.epochs, request.batch_size, request.learning_rate,
                    0.0, request.patience, request.seed, first, request.epochs // _SUMMED)


def _identity(request: "CaptionRequest", base: "BaseModel", examples: "Examples") -> str:
    """Of what a training depends on, beside its settings."""
    digest = hashlib.sha256(json.dumps([
        request.encoder.name, asdict(request.encoder), request.dimension, base.manifest.space,
        {name: one.sha256 for name, one in base.manifest.files.items()}, examples.sentences,
    ]).encode())
    for pairs in (examples.training, examples.validation):
        if pairs is not None:
            digest.update(pairs.features.tobytes() + pairs.owner.tobytes())
    return digest.hexdigest()
