"""What a training leaves: checkpoint, facts, curves, and the exported model."""

import json
import shlex
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zsl_cli import __version__, files, folders
from zsl_cli.cli.train import run

if TYPE_CHECKING:
    from zsl_cli.cli.train.learn import Taught
    from zsl_cli.cli.train.run import Images, Options, Teller
    from zsl_cli.cli.train.start import Start
    from zsl_cli.vocabulary import Vocabulary

_NO_SETTINGS = ("data", "output", "force", "restart", "trust_pickle", "no_export", "backbone",
                "hold_out", "model", "vocabulary")


def write(given: "Options", start: "Start", vocabulary: "Vocabulary", taught: "Taught",
          images: "Images", teller: "Teller") -> None:
    """Write all of it; the state of the unfinished training is then taken away."""
    facts = _facts(given, vocabulary, taught, images)
    checkpoint = given.output / run.CHECKPOINT
    _write_checkpoint(checkpoint, given, start, taught, facts)
    seen = sorted({vocabulary.label(int(row)).id for row in images.rows})
    with files.replacing(given.output / run.SEEN) as file:
        file.write("".join(f"{id_}\n" for id_ in seen).encode())
    if taught.learned.history:
        _write_curves(given, taught, facts)
    name = str(vocabulary.path)
    if taught.labels:
        name = str(given.output / run.VOCABULARY)
        _write_vocabulary(Path(name), given, vocabulary, taught)
    teller.say(f"wrote {checkpoint}")
    if not given.no_export:
        _export(given, start, checkpoint, name, teller)
        shown = name if taught.labels else given.vocabulary
        teller.say(f"now: zsl classify photo.jpg --model "
                   f"{shlex.quote(str(given.output / run.MODEL))} --vocab {shlex.quote(shown)}")
    with files.replacing(given.output / run.FACTS) as file:
        file.write((json.dumps(facts, indent=2) + "\n").encode())
    for state in run.UNFINISHED:
        (given.output / state).unlink(missing_ok=True)


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
    from zsl_cli.exporting import weights
    from zsl_cli.exporting.origins.own import TrainingCheckpoint

    network = start.plan.network
    state = taught.state_dict
    if state is None:  # all that the checkpoint had, a text tower, say
        state = weights.read(network.files[0], trust=given.trust_pickle).tensors
    made = TrainingCheckpoint(network.architecture, state, taught.projection, network.input,
                              {"trained": json.dumps(facts)})
    with files.replacing(path) as file:
        made.save(file)


def _write_curves(given: "Options", taught: "Taught", facts: dict[str, Any]) -> None:
    from zsl_cli.training import curves

    shown = {"data": facts["data"], "images": facts["images"], "classes": facts["classes"],
             "vocabulary": facts["vocabulary"], "epoch kept": facts["best_epoch"]}
    if given.finetune:
        shown["of the network's"] = facts["finetuned_epoch"]
    page = curves.page(f"zsl train --loss {given.method}", shown, {
        "M": taught.learned.history, "network": taught.learned.finetuning})
    with files.replacing(given.output / run.CURVES) as file:
        file.write(page.encode())


def _write_vocabulary(folder: Path, given: "Options", vocabulary: "Vocabulary",
                      taught: "Taught") -> None:
    """The label vectors that the method has made."""
    from zsl_cli import vocabulary_folder

    assert taught.vectors is not None
    assert taught.projection.space is not None
    ids = {label.id for label in taught.labels}
    labels = [replace(label, parents=tuple(parent for parent in label.parents if parent in ids))
              for label in taught.labels]
    with folders.new_folder(folder, force=True) as new:
        vocabulary_folder.write(new, given.output.absolute().name, taught.projection.space, labels,
                                taught.vectors, sources=vocabulary.manifest.get("sources", []),
                                built_by=f"zsl {__version__}")


def _export(given: "Options", start: "Start", checkpoint: Path, vocabulary: str,
            teller: "Teller") -> None:
    """The model folder; phrases go on being labels where the space is still theirs."""
    from zsl_cli.exporting import export, plan

    manifest = start.manifest
    made = plan.make(plan.Request(
        checkpoint, given.output.absolute().name, vocabulary=vocabulary,
        form="float32" if given.quantize == "none" else given.quantize,
        sources=tuple(manifest.get("sources", ())),
        license=manifest.get("license") or start.plan.license))
    if manifest.get("space") == made.space and folders.encodes_phrases(manifest):
        made = replace(made, label_encoder_of=start.folder)
    export.export(made, given.output / run.MODEL, force=True,
                  say=teller.say if teller.verbose else lambda _line: None)
