"""The stages of a training: the images, the network, its features, M, the network, the folder."""

from typing import TYPE_CHECKING

from zsl_cli.authoring.training import folder
from zsl_cli.authoring.training.fitted import Trained
from zsl_cli.authoring.training.log import Log
from zsl_cli.authoring.training.reporter import Reporter
from zsl_cli.authoring.training.result import TrainResult
from zsl_cli.authoring.training.session import Session
from zsl_cli.errors import DeviceError, ZslError
from zsl_cli.evaluation.left_out import Collector
from zsl_cli.support import devices
from zsl_cli.support.extras import needed
from zsl_cli.vocabulary.vocabulary import Vocabulary

if TYPE_CHECKING:
    from zsl_cli.authoring.training.finetuning import Finetuned
    from zsl_cli.authoring.training.request import TrainRequest


def train(request: "TrainRequest", reporter: Reporter | None = None) -> TrainResult:
    """Make a projection M, and with it a checkpoint and a model folder, of labelled images.

    The same request goes on where an interrupted one was; the same seed gives the same model.

    reporter: is told how it goes.

    Raises ZslError, MissingExtraError where PyTorch is not installed, and OSError.
    """
    with needed("train", "training"):
        import torch  # noqa: F401
    with folder.opened(request):
        return _train(request, reporter or Reporter())


def _train(request: "TrainRequest", reporter: Reporter) -> TrainResult:
    from zsl_cli.authoring.training import finetuning, writing
    from zsl_cli.authoring.training.examples import find_dataset, read_examples
    from zsl_cli.authoring.training.feature_encoder import FeatureEncoder
    from zsl_cli.authoring.training.start import read_start

    device = _device(request.device)
    method, schedule, collector = request.method, request.schedule, Collector(reporter.left_out)
    vocabulary = Vocabulary.load(request.vocabulary)
    dataset = find_dataset(request.data, request.hold_out, vocabulary, reporter, collector)
    start = read_start(
        str(request.model), vocabulary, request.name,
        goes_on=method.goes_on and not request.from_scratch, backbone=request.backbone,
        architecture=request.architecture, trust_pickle=request.trust_pickle)
    features = start.plan.features
    reporter.say(f"features of {start.plan.network.architecture}, {features.width} "
                 f"({features.where}); M begins with "
                 + ("zero" if start.projection is None else "the model's"))
    method.check_start(start)
    finetuning.check(start, schedule)
    if request.restart:
        folder.clear(request.work)
    encoder = FeatureEncoder(start.plan, device if device == "cpu" else request.device)
    examples = read_examples(dataset, vocabulary, encoder, schedule, request.max_pixels, reporter,
                             collector)
    session = Session(start, request.name, schedule, request.work, device,
                      Log(reporter, request.work / folder.LOG))
    fitted = method.fit(examples, session)
    finetuned: Finetuned | None = None
    if schedule.finetune:
        if not isinstance(fitted, Trained):
            raise ZslError(f"`finetune`: `method={method.name}` leaves nothing to go on with")
        finetuned = finetuning.finetune(fitted, examples, session, str(request.model),
                                        request.max_pixels)
    return writing.write(request, session, examples, fitted, finetuned, collector.left_out())


def _device(name: str) -> str:
    """``cpu`` or, say, ``cuda:0``, of what ``devices.parse`` takes; raises DeviceError where CUDA
    is wanted and cannot be used."""
    import torch

    wanted = devices.parse(name)
    assert wanted is not None  # the request has looked
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted.kind == "cuda" and wanted.number >= count:
        raise DeviceError(f"`device={name}` cannot be used: this torch sees "
                          + (f"{count} CUDA devices, numbered from 0" if count > 1 else
                             "one CUDA device, cuda:0" if count else "no CUDA device"))
    return f"cuda:{wanted.number}" if wanted.kind != "cpu" and count else "cpu"
