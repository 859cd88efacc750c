"""What a training leaves: checkpoint, facts, curves, and the exported model."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.authoring.training import folder
from zsl_cli.authoring.training.fitted import Corrected, Fitted, History, OwnLabels
from zsl_cli.authoring.training.result import TrainResult
from zsl_cli.errors import ZslError
from zsl_cli.evaluation import trained_on
from zsl_cli.support import files, folders, progress
from zsl_cli.support.version import __version__
from zsl_cli.vocabulary.vocabulary import Vocabulary

if TYPE_CHECKING:
    from torch import Tensor

    from zsl_cli.authoring.training.examples import Examples
    from zsl_cli.authoring.training.finetuning import Finetuned
    from zsl_cli.authoring.training.request import TrainRequest
    from zsl_cli.authoring.training.session import Session
    from zsl_cli.authoring.training.start import Start
    from zsl_cli.evaluation.left_out import LeftOut


def write(request: "TrainRequest", session: "Session", examples: "Examples", fitted: Fitted,
          finetuned: "Finetuned | None", left_out: "LeftOut") -> TrainResult:
    """Write all of it beside what was there before, and then put it in its place."""
    final = finetuned.fitted if finetuned else fitted
    network = finetuned.history if finetuned else History()
    output, work, vocabulary = Path(request.output), request.work, examples.vocabulary
    choice = final.choice if isinstance(final, Corrected) else None
    own = isinstance(final, OwnLabels)
    result = TrainResult(
        output, output / folder.CHECKPOINT, output / folder.MODEL if request.export else None,
        output / folder.VOCABULARY if own else None,
        str(output / folder.VOCABULARY) if own else str(request.vocabulary),
        len(examples.rows), len(examples.classes),
        tuple(sorted(vocabulary.label(int(row)).id for row in final.seen)),
        final.history, network, choice, left_out)
    session.log.reporter.start("writing")
    facts = _facts(request, examples, fitted, result)
    folder.clear_results(work, but_log=bool(final.history.records))
    _write_checkpoint(work / folder.CHECKPOINT, request, session.start, final,
                      finetuned.weights if finetuned else None, facts)
    with files.replacing(work / folder.SEEN) as file:
        file.write("".join(f"{id_}\n" for id_ in result.seen).encode())
    if final.history.records:
        _write_curves(work / folder.CURVES, request, result, facts)
    if isinstance(final, OwnLabels):
        _write_vocabulary(work / folder.VOCABULARY, request.name, examples, final)
    if request.export:
        name = work / folder.VOCABULARY if own else vocabulary.path
        _export(request, session, work / folder.CHECKPOINT, str(name))
        start = session.start.model
        trained_on.record(work / folder.MODEL, examples.paths,
                          start.path if start else None)
        _calibrate(request, session, examples, own=own)
    with files.replacing(work / folder.FACTS) as file:
        file.write((json.dumps(facts, indent=2) + "\n").encode())
    folder.put_in_place(work, output)
    return result


def _facts(request: "TrainRequest", examples: "Examples", fitted: Fitted,
           result: TrainResult) -> dict[str, Any]:
    schedule = asdict(request.schedule)
    settings = {"architecture": request.architecture, "max_pixels": request.max_pixels,
                "method": request.method.name, "from_scratch": request.from_scratch,
                **asdict(request.method), **schedule, "device": request.device,
                "quantize": request.quantize}
    return {
        "method": request.method.name, "data": folders.name_of(Path(request.data)),
        "images": result.images, "classes": result.classes,
        "vocabulary": examples.vocabulary.name, "space": fitted.projection.space,
        "settings": settings, "best_epoch": result.history.best,
        "finetuned_epoch": result.network_history.best,
        "choice": asdict(result.choice) if result.choice else None,
        "trained_by": f"zsl {__version__}"}


def _write_checkpoint(path: Path, request: "TrainRequest", start: "Start", fitted: Fitted,
                      state: "dict[str, Tensor] | None", facts: dict[str, Any]) -> None:
    """state: of the network; None: all that its checkpoint had, a text tower, say."""
    from zsl_cli.authoring.networks import weights
    from zsl_cli.authoring.networks.origins.own import TrainingCheckpoint

    network = start.plan.network
    if state is None:
        state = weights.read(network.files[0], trust=request.trust_pickle).tensors
    checkpoint = TrainingCheckpoint(network.architecture, state, fitted.projection, network.input,
                                    {"trained": json.dumps(facts)})
    with files.replacing(path) as file:
        checkpoint.save(file)


def _write_curves(path: Path, request: "TrainRequest", result: TrainResult,
                  facts: dict[str, Any]) -> None:
    from zsl_cli.authoring.training import curves

    shown = {"data": facts["data"], "images": result.images, "classes": result.classes,
             "vocabulary": facts["vocabulary"], "epoch kept": result.history.best}
    if request.schedule.finetune:
        shown["of the network's"] = result.network_history.best
    page = curves.page(f"Training by {request.method.name}", shown, {
        "M": result.history.records, "network": result.network_history.records})
    with files.replacing(path) as file:
        file.write(page.encode())


def _write_vocabulary(target: Path, name: str, examples: "Examples", fitted: OwnLabels) -> None:
    """The label vectors that the method has made."""
    from zsl_cli.vocabulary import writing

    assert fitted.projection.space is not None
    ids = {label.id for label in fitted.labels}
    labels = [replace(label, parents=tuple(parent for parent in label.parents if parent in ids))
              for label in fitted.labels]
    with folders.new_folder(target) as new:
        writing.write(new, name, fitted.projection.space, labels, fitted.vectors,
                      sources=list(examples.vocabulary.manifest.sources),
                      built_by=f"zsl {__version__}")


def _export(request: "TrainRequest", session: "Session", checkpoint: Path, vocabulary: str) -> None:
    """The model folder; phrases go on being labels where the space is still theirs."""
    from zsl_cli.authoring.exporting import ExportRequest, export, make
    from zsl_cli.authoring.networks.hints import Hints

    start, reporter = session.start, session.log.reporter
    source = start.model.manifest if start.model else None
    export_plan = make(ExportRequest(
        checkpoint, request.work / folder.MODEL, Hints(start.plan.network.architecture),
        name=request.name, vocabulary=vocabulary, quantize=request.quantize, force=True,
        sources=source.sources if source else (),
        license=(source.license if source else None) or start.plan.license))
    export_plan = replace(export_plan, made_by="zsl train")
    if start.model and source and source.space == export_plan.space and source.encodes_phrases:
        export_plan = replace(export_plan, label_encoder_of=start.model.path)

    export(export_plan, _RelocatingReporter(request, reporter))


def _calibrate(request: "TrainRequest", session: "Session", examples: "Examples", *,
               own: bool) -> None:
    """Fit the confidences to the photos that were held out to validate with, where there are
    enough of them; else the default rule stays."""
    from zsl_cli.authoring.calibrating import calibrate_new
    from zsl_cli.authoring.training.splitting import split

    reporter, schedule = session.log.reporter, request.schedule
    if not request.method.in_epochs or schedule.validation == "none":
        return
    vocabulary = (Vocabulary.load(request.work / folder.VOCABULARY) if own
                  else examples.vocabulary)
    known = vocabulary.rows  # labels of the method's own have rows of their own
    _, spared = split(examples.target, schedule.validation, schedule.seed)
    images = [(examples.paths[at], known[id_]) for at in spared.tolist()
              if (id_ := examples.vocabulary.label(int(examples.rows[at])).id) in known]
    try:
        calibrate_new(request.work / folder.MODEL, vocabulary, [path for path, _ in images],
                      np.array([row for _, row in images], np.int64), reporter)
    except ZslError as error:
        reporter.detail(f"confidences are not fitted to the validation images: {error}")


class _RelocatingReporter(progress.Reporter):
    """Tells in detail of an export, of the place where it is about to lie."""

    def __init__(self, request: "TrainRequest", reporter: progress.Reporter) -> None:
        self._request, self._reporter = request, reporter

    def say(self, line: str) -> None:
        """The line, its paths those of the output."""
        self._reporter.detail(line.replace(str(self._request.work), str(self._request.output)))
