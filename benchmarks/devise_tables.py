"""Prints the tables 1 and 2 of DeViSE (Frome et al., 2013) in shape, on the data at hand.

    python benchmarks/devise_tables.py [--words FOLDER] [--data ../shared/data] [--views 8]

The features are those of EfficientNet-Lite0, which was trained on all 1,000 classes of ImageNet;
every M is trained on ``imagenet-sample`` alone, one photograph a class, and on random views of it.

- Table 1, the 1,000 classes: images of ``objects-seen``. And a split of the classes: trained on
  four fifths of them, tested on the photographs of the others.
- Table 2, zero-shot: images of ``objects-unseen``, among its 20 classes, among these and the
  1,000, and among all labels.

``--words`` is a vocabulary of ``zsl vocab train``; without it, it is trained on the data's text
first, which takes the better part of an hour. A second dimension are the first principal
components of its label vectors; the default's label vectors are measured beside them. Classes and
labels are those that all of these have a vector for. Decays are chosen by holding out a fifth of
the classes that are trained on.
"""

import argparse
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from zsl_cli import Classifier, Vocabulary
from zsl_cli.authoring.exporting import labels as ilsvrc
from zsl_cli.authoring.exporting import plan
from zsl_cli.authoring.training.augmentation import View
from zsl_cli.authoring.training.feature_encoder import FeatureEncoder
from zsl_cli.authoring.training.label_vectors import random_vectors
from zsl_cli.authoring.training.linear import LinearMap
from zsl_cli.authoring.training.losses import CrossEntropy, HingeRank, SquaredDistance
from zsl_cli.authoring.training.methods.ridge import ridge
from zsl_cli.authoring.training.problem import Problem
from zsl_cli.authoring.training.start import ModelFolder, checkpoint_of
from zsl_cli.authoring.training.trainer import Settings, Training, train
from zsl_cli.embedding import feature_cache
from zsl_cli.evaluation import datasets
from zsl_cli.evaluation.candidates import Candidates, seen_mask
from zsl_cli.evaluation.measure import Settings as Evaluation
from zsl_cli.evaluation.measure import Subject, measure
from zsl_cli.evaluation.metrics import class_mean_hit_at_k_of_scores
from zsl_cli.support.calibration import Calibration
from zsl_cli.support.vectors import unit_rows

FEWER = 100  # dimensions
DECAYS = {"ridge": (1e-3, 1e-2, 1e-1), "gradient": (1e-6, 1e-5, 1e-4, 1e-3)}
OBJECTIVES = {"rank": HingeRank(), "softmax": CrossEntropy(), "l2": SquaredDistance()}
EPOCHS, BATCH = 15, 256
CONSE_CLASSES = 10  # T of Norouzi et al., 2014


@dataclass(frozen=True)
class Photos:
    """features: ``[n, F]``, of unit length; logits: the network's own, ``[n, 1000]``; rows of
    their labels; views: features of v views each, ``[v, n, F]``."""

    features: np.ndarray
    logits: np.ndarray
    rows: np.ndarray
    views: np.ndarray

    def of(self, rows):
        """The photographs of these labels."""
        chosen = np.isin(self.rows, rows)
        return Photos(self.features[chosen], self.logits[chosen], self.rows[chosen],
                      self.views[:, chosen])


class Bench:
    """The labels that all have vectors for, and the photographs."""

    def __init__(self, arguments):
        self.spaces = {}
        whole = Vocabulary.load("default")
        with tempfile.TemporaryDirectory() as work:
            folder = Path(work) / "words"
            subprocess.run([sys.executable, "-m", "zsl_cli", "vocab", "build", words_of(arguments),
                            "--labels", "imagenet-21k", "-o", folder, "--quiet"], check=True)
            words = Vocabulary.load(folder)
            self.labels = [label for label in whole.labels if label.id in words.rows]
            rows = [[one.rows[label.id] for label in self.labels] for one in (words, whole)]
            vectors = unit_rows(np.array(words.vectors, np.float32)[rows[0]])
        centred = vectors - vectors.mean(axis=0)
        axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1]
        self.spaces = {
            f"skip-gram, {vectors.shape[1]}": vectors,
            f"skip-gram, {FEWER}": unit_rows(centred @ axes[:, :FEWER]),
            "default": unit_rows(
                np.array(whole.vectors, np.float32)[rows[1], :whole.prior_dimension])}
        self.rows = {label.id: row for row, label in enumerate(self.labels)}
        self.plan = plan.make(plan.ExportRequest(checkpoint_of(ModelFolder.named("default"))))
        self.encoder = FeatureEncoder(self.plan)
        self.classes = np.array([self.rows.get(label.id, -1) for label in ilsvrc.imagenet()])
        self.names = self.vocabulary(next(iter(self.spaces.values())), range(len(self.labels)))
        self.train = self.photos(arguments.data / "imagenet-sample", arguments.views)
        self.seen = self.photos(arguments.data / "objects-seen")
        self.unseen = self.photos(arguments.data / "objects-unseen")

    def vocabulary(self, vectors, rows):
        """Some of the labels with these vectors, as a Vocabulary."""
        chosen = [self.labels[row] for row in rows]
        ids = {label.id for label in chosen}
        lines = [replace(label, parents=tuple(one for one in label.parents if one in ids))
                 .to_json().encode() for label in chosen]
        manifest = {"name": "bench", "space": "bench", "dimension": vectors.shape[1]}
        return Vocabulary(manifest, None, lines, vectors)

    def photos(self, folder, views=0):
        """Those whose label is a common one."""
        found = datasets.read(folder, self.names)
        features = feature_cache.embed(self.encoder, found.paths, identity=self.encoder.identity)
        assert not features.failed
        seen = [self.encoder.loading(View(0, number)) for number in range(views)]
        more = [feature_cache.embed(one, found.paths, identity=one.identity).values
                for one in seen]
        classifier = self.plan.features.classifier
        weight, bias = (one.detach().numpy() for one in (classifier.weight, classifier.bias))
        return Photos(unit_rows(features.values), features.values @ weight.T + bias, found.rows,
                      np.array([unit_rows(one) for one in more]).reshape(
                          views, *features.values.shape))


def words_of(arguments):
    """The folder of word vectors, trained if none is named."""
    folder = arguments.words or Path("build") / "words"
    if not folder.exists():
        subprocess.run([sys.executable, "-m", "zsl_cli", "vocab", "train",
                        arguments.data / "text" / "wikipedia.txt.xz", "-o", folder], check=True)
    return folder


def problem_of(photos, vectors):
    """The problem of these photographs and their views, and the labels it is of."""
    rows, target = np.unique(photos.rows, return_inverse=True)
    inputs = np.concatenate([photos.features, *photos.views])
    copies = len(photos.views) + 1
    return Problem(inputs, np.tile(target, copies), vectors[rows], copies=copies), rows


def fitted(problem, method, decay, learn_vectors=False):
    """M, and the label vectors."""
    if method.startswith("ridge"):
        weights = problem.weights()
        return ridge(problem.inputs, problem.vectors[problem.target], weights / weights.sum(),
                     decay, method.partition(" ")[2]), None
    moved = LinearMap(problem, learn_vectors=learn_vectors)
    train(Training(moved, Settings(OBJECTIVES[method], EPOCHS, BATCH, decay=decay)))
    return moved.change(), moved.label_vectors() if learn_vectors else None


def tuned(problem, method, learn_vectors=False, held=True):
    """The decay that is best for classes, or where these cannot be held out photographs' views,
    that are left out."""
    decays = DECAYS["ridge" if method.startswith("ridge") else "gradient"]
    count = len(problem.vectors)
    if held:
        left = np.random.default_rng(0).permutation(count)[:count // 5]
        kept = np.setdiff1d(np.arange(count), left)
        fit, check = problem.of_classes(kept), problem.of_classes(np.sort(left))
    else:
        base = len(problem.target) // problem.copies
        views = np.arange(len(problem.target)) // base
        fit = replace(problem.of_rows(np.flatnonzero(views % 4 != 1)), copies=1)
        check = replace(problem.of_rows(np.flatnonzero(views % 4 == 1)), copies=1)

    def hit(decay):
        change, vectors = fitted(fit, method, decay, learn_vectors)
        if method == "ridge to-features":
            scores = check.inputs @ unit_rows(check.vectors @ change).T
        else:
            scores = (check if vectors is None else replace(check, vectors=vectors)).scores(change)
        return class_mean_hit_at_k_of_scores(scores, check.target, 5)

    return max(decays, key=hit)


def methods(bench, photos):
    """Name → (label vectors, a function of photographs to embeddings, the labels that can be
    answered or None for all), trained on some photographs."""
    made = {}
    first, words = next(iter(bench.spaces.items()))

    def add(name, vectors, method, learn_vectors=False, only_seen=False):
        problem, rows = problem_of(photos, vectors)
        decay = tuned(problem, method, learn_vectors, held=not only_seen)
        change, learned = fitted(problem, method, decay, learn_vectors)
        if only_seen:
            vectors = np.zeros((len(vectors), change.shape[0]), np.float32)
            vectors[rows] = problem.vectors if learned is None else unit_rows(learned)
        if method == "ridge to-features":
            made[name] = (unit_rows(vectors @ change), lambda some: some.features, None)
            return
        made[name] = (vectors, lambda some: some.features @ change.T, rows if only_seen else None)
        print(f"{name}: decay {decay:g}", file=sys.stderr, flush=True)

    rows = np.unique(photos.rows)
    one_hot = np.zeros((len(words), len(rows)), np.float32)
    one_hot[rows] = np.eye(len(rows))
    add("softmax", one_hot, "softmax", only_seen=True)
    for name, vectors in bench.spaces.items():
        add(f"DeViSE (rank), {name}", vectors, "rank")
    add("rank, random vectors", random_vectors(*words.shape, 0), "rank")
    add(f"L2, {first}", words, "l2")
    add(f"ridge to labels, {first}", words, "ridge to-labels")
    add(f"ridge to features, {first}", words, "ridge to-features")
    add("WSABIE", random_vectors(len(words), words.shape[1], 1), "rank", learn_vectors=True,
        only_seen=True)
    known = np.flatnonzero(np.isin(bench.classes, rows))

    def conse(some):
        logits = some.logits[:, known]
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances[chances < np.sort(chances, axis=1)[:, -CONSE_CLASSES, None]] = 0
        return chances @ words[bench.classes[known]]

    made[f"ConSE, {first}"] = (words, conse, None)
    return made


def row_of(bench, made, photos, candidates):
    """The figures of one method on some photographs, or None where it has no answer for them."""
    vectors, embed, only = made
    if only is not None and not np.isin(candidates, only).all():
        return None
    model = SimpleNamespace(name="bench", manifest={"name": "bench", "space": "bench",
                                                    "dimension": vectors.shape[1]},
                            calibration=Calibration())
    vocabulary = bench.vocabulary(vectors, range(len(bench.labels)))
    subject = Subject("bench", Classifier(model, vocabulary), unit_rows(embed(photos)), photos.rows,
                      [str(at) for at in range(len(photos.rows))],
                      seen_mask(vocabulary, np.array([], np.int64)))
    return measure(subject, Candidates("bench", candidates), Evaluation()).row


def print_table(title, bench, made, photos, candidates, hp=()):
    """A table in Markdown, a method a row."""
    photos = photos.of(candidates)
    print(f"\n{title}: {len(photos.rows)} images, {len(candidates):,} candidates\n")
    ks = (1, 2, 5, 10, 20)
    print("| method | " + " | ".join([f"hit@{k}" for k in ks] + [f"hp@{k}" for k in hp]) + " |")
    print("|---" * (1 + len(ks) + len(hp)) + "|")
    row = None
    for name, one in made.items():
        cells = ["—"] * (len(ks) + len(hp))
        if (found := row_of(bench, one, photos, candidates)) is not None:
            row = found
            cells = [figure(found, f"hit@{k}") for k in ks] + [
                figure(found, f"hp@{k}") for k in hp]
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
    print("| chance | " + " | ".join([chance(row, k) for k in ks] + [""] * len(hp))
          + " |")


def figure(row, name):
    """A figure and its interval, in per cent."""
    if row[name] is None:  # more than there are candidates
        return "—"
    value, low, high = (100 * row[name + end] for end in ("", "_low", "_high"))
    return f"{value:.1f} ({low:.1f}–{high:.1f})"


def chance(row, k):
    """What guessing hits, in per cent."""
    found = row[f"chance@{k}"]
    return "—" if found is None else f"{100 * found:.2g}"


def main():
    """Train everything, and print all tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--words", type=Path, metavar="FOLDER")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--views", type=int, default=8, help="of each photograph, 1 at least")
    bench = Bench(arguments := parser.parse_args())
    classes = np.unique(bench.train.rows)
    print(f"{len(bench.labels):,} labels and {len(classes)} of the 1,000 classes have a vector in "
          f"every space; {len(bench.train.rows)} photographs to train on, and {arguments.views} "
          "random views of each. In brackets: 95 % bootstrap intervals.")
    made = methods(bench, bench.train)
    print_table("Table 1, the 1,000 classes", bench, made, bench.seen, classes, hp=(2, 5, 10, 20))
    unseen = np.setdiff1d(np.unique(bench.unseen.rows), classes)
    print_table("Table 2, zero-shot among the unseen classes", bench, made, bench.unseen, unseen)
    print_table("Table 2, zero-shot, seen classes too", bench, made, bench.unseen,
                np.union1d(unseen, classes))
    print_table("Table 2, zero-shot among all labels", bench, made, bench.unseen.of(unseen),
                np.arange(len(bench.labels)))
    order = np.random.default_rng(0).permutation(classes)
    part = np.sort(order[:len(order) // 5])
    made = methods(bench, bench.train.of(np.setdiff1d(classes, part)))
    print_table("A split of the 1,000 classes, the fifth that was not trained on", bench, made,
                bench.train.of(part), part)
    print_table("The same, all of the 1,000 classes as candidates", bench, made,
                bench.train.of(part), classes)


if __name__ == "__main__":
    main()
