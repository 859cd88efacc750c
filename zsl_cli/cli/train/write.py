"""What a training leaves: checkpoint, facts, curves, and the exported model."""

import json
import shlex
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zsl_cli import __version__
from zsl_cli.cli.train import folder
from zsl_cli.support import files, folders

if TYPE_CHECKING:
    from zsl_cli.cli.train.learn import Taught
    from zsl_cli.cli.train.run import Images, Options, Teller
    from zsl_cli.cli.train.start import Start
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_NO_SETTINGS = ("data", "output", "force", "restart", "trust_pickle", "no_export", "backbone",
                "hold_out", "model", "vocabulary")


def write(given: "Options", start: "Start", vocabulary: "Vocabulary", taught: "Taught",
          images: "Images", teller: "Teller") -> None:
    """Write all of it beside what was there before, and then put it in its place."""
    import numpy as np

    work = given.work
    folder.clear_results(work, but_log=bool(taught.learned.history))
    facts = _facts(given, vocabulary, taught, images)
    _write_checkpoint(work / folder.CHECKPOINT, given, start, taught, facts)
    classes = np.unique(images.rows)[taught.learned.classes]
    seen = sorted(vocabulary.label(int(row)).id for row in classes)
    with files.replacing(work / folder.SEEN) as file:
        file.write("".join(f"{id_}\n" for id_ in seen).encode())
    if taught.learned.history:
        _write_curves(given, taught, facts)
    if taught.labels:
        _write_vocabulary(work / folder.VOCABULARY, given, vocabulary, taught)
    if not given.no_export:
        name = work / folder.VOCABULARY if taught.labels else vocabulary.path
        _export(given, start, work / folder.CHECKPOINT, str(name), teller)
    with files.replacing(work / folder.FACTS) as file:
        file.write((json.dumps(facts, indent=2) + "\n").encode())
    folder.put_in_place(work, given.output)
    teller.say(f"wrote {given.output / folder.CHECKPOINT}")
    if not given.no_export:
        shown = str(given.output / folder.VOCABULARY) if taught.labels else given.vocabulary
        teller.say(f"now: zsl classify photo.jpg --model "
                   f"{shlex.quote(str(given.output / folder.MODEL))} --vocab {shlex.quote(shown)}")


def _facts(given: "Options", vocabulary: "Vocabulary", taught: "Taught",
           images: "Images") -> dict[str, Any]:
    learned = taught.learned
    return {
        "method": given.method, "data": given.data.absolute().name, "images": len(images.rows),
        "classes": len(set(images.rows.tolist())), "vocabulary": vocabulary.name,
        "space": taught.projection.space,
        "settings": {name: value for name, value in vars(given).items()
                     if name not in _NO_SETTINGS},
        "best_epoch": learned.best, "finetuned_epoch": learned.finetuned,
        "choice": asdict(learned.choice) if learned.choice else None,
        "trained_by": f"zsl {__version__}"}


def _write_checkpoint(path: Path, given: "Options", start: "Start", taught: "Taught",
                      facts: dict[str, Any]) -> None:
    from zsl_cli.authoring.networks import weights
    from zsl_cli.authoring.networks.origins.own import TrainingCheckpoint

    network = start.plan.network
    state = taught.state_dict
    if state is None:  # all that the checkpoint had, a text tower, say
        state = weights.read(network.files[0], trust=given.trust_pickle).tensors
    made = TrainingCheckpoint(network.architecture, state, taught.projection, network.input,
                              {"trained": json.dumps(facts)})
    with files.replacing(path) as file:
        made.save(file)


def _write_curves(given: "Options", taught: "Taught", facts: dict[str, Any]) -> None:
    from zsl_cli.authoring.training import curves

    shown = {"data": facts["data"], "images": facts["images"], "classes": facts["classes"],
             "vocabulary": facts["vocabulary"], "epoch kept": facts["best_epoch"]}
    if given.finetune:
        shown["of the network's"] = facts["finetuned_epoch"]
    page = curves.page(f"zsl train --loss {given.method}", shown, {
        "M": taught.learned.history, "network": taught.learned.finetuning})
    with files.replacing(given.work / folder.CURVES) as file:
        file.write(page.encode())


def _write_vocabulary(target: Path, given: "Options", vocabulary: "Vocabulary",
                      taught: "Taught") -> None:
    """The label vectors that the method has made."""
    from zsl_cli.vocabulary import writing

    assert taught.vectors is not None
    assert taught.projection.space is not None
    ids = {label.id for label in taught.labels}
    labels = [replace(label, parents=tuple(parent for parent in label.parents if parent in ids))
              for label in taught.labels]
    with folders.new_folder(target) as new:
        writing.write(new, given.output.absolute().name, taught.projection.space, labels,
                                taught.vectors, sources=list(vocabulary.manifest.sources),
                                built_by=f"zsl {__version__}")


def _export(given: "Options", start: "Start", checkpoint: Path, vocabulary: str,
            teller: "Teller") -> None:
    """The model folder; phrases go on being labels where the space is still theirs."""
    from zsl_cli.authoring.exporting import export, plan

    manifest = start.manifest
    made = plan.make(plan.Request(
        checkpoint, given.work / folder.MODEL, name=given.output.absolute().name,
        vocabulary=vocabulary, quantize=given.quantize, force=True,
        sources=manifest.sources if manifest else (),
        license=(manifest.license if manifest else None) or start.plan.license))
    if manifest and manifest.space == made.space and manifest.encodes_phrases:
        made = replace(made, label_encoder_of=start.folder)

    def say(line: str) -> None:
        if teller.verbose:  # of the place where it is about to lie
            teller.say(line.replace(str(given.work), str(given.output)))

    export.export(made, say)
