"""Prints how well labels learn from a few photographs, and what that costs others, as Markdown
tables.

    python benchmarks/teach.py [--data ../shared/data] [--cache FOLDER] [--train] [--seeds 5]

--data: folders objects-seen, objects-unseen, imagenet-sample of class folders named
    ``<WordNet id>_<name>``, and groceries with train and val, whose files are called after finer
    classes.
--cache: where embeddings are kept from one run to the next.
--train: compare with ``zsl train`` on the same photographs, too, which takes minutes.

Each of the 20 classes of objects-unseen is taught by one photograph, or by five; the others are
asked for among all labels of the default vocabulary. What that costs is measured on photographs of
other classes. A strength of each method, and the numbers of classifier/corrections/rule.py, were
chosen on every other class of objects-unseen, the even ones; figures of the odd ones stand beside.
Hits are means over classes, figures means over random choices of the photographs.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np

from zsl_cli import Classifier
from zsl_cli.classifier.corrections import Examples, checks, derive
from zsl_cli.classifier.corrections.examples import Base
from zsl_cli.embedding import stream
from zsl_cli.embedding.walk import images_in
from zsl_cli.evaluation.metrics import class_mean_hit_at_k
from zsl_cli.support.vectors import unit_rows

SHOTS = (1, 5)
BUDGET = 0.5  # points on imagenet-sample that the even classes, by five photographs, may cost
STRENGTHS = np.geomspace(0.02, 2, 25)


class Data:
    """Embeddings as catalogues keep them, and classes, of the sets."""

    def __init__(self, data, cache):
        self.classifier = Classifier.load(device="cpu")
        self.vocabulary = self.classifier.vocabulary
        self.vectors = self.vocabulary.vectors.astype(np.float32)
        self.width = self.vocabulary.prior_dimension
        self.temperature = self.classifier.model.calibration.temperature
        self._data, self._cache = data, cache

    def read(self, name):
        """Paths and embeddings of a set."""
        paths = list(images_in(str(self._data / name)))
        kept = self._cache and self._cache / f"{name.replace('/', '-')}.npy"
        if kept and kept.is_file():
            return paths, np.load(kept).astype(np.float32)
        items = ((path, lambda model, path=path: model.read(path)) for path in paths)
        batches = stream.embed(self.classifier.model, items, jobs=2)
        found = np.concatenate([batch.embeddings for batch in batches]).astype(np.float16)
        if kept:
            kept.parent.mkdir(parents=True, exist_ok=True)
            np.save(kept, found)
        return paths, found.astype(np.float32)

    def classes(self, name):
        """Embeddings and rows of the labels of a set of WordNet's ids."""
        paths, found = self.read(name)
        rows = [self.vocabulary.rows.get(Path(path).parent.name.partition("_")[0], -1)
                for path in paths]
        there = np.array(rows) >= 0
        return found[there], np.array(rows, np.int64)[there]


def hit(products, truth):
    """hit@1, the mean over classes."""
    return class_mean_hit_at_k(products.argmax(axis=1)[:, None], truth, 1)


def drawn(truth, classes, shots, seed):
    """Of each class so many photographs, and all the others of these classes."""
    random = np.random.default_rng(seed)
    chosen = np.concatenate([random.permutation(np.flatnonzero(truth == one))[:shots]
                             for one in classes])
    rest = np.setdiff1d(np.flatnonzero(np.isin(truth, classes)), chosen)
    return chosen, rest


class Methods:
    """Ways to learn: examples and a strength → what gives the products of embeddings with the
    labels that were taught, ``[n, classes]``, in the place of the label vectors' own ``own``."""

    def __init__(self, data):
        self.data = data
        self.base = Base(data.vectors, data.width)
        meanings = unit_rows(data.vectors[:, :data.width])
        seen = meanings[[label.seen for label in data.vocabulary.labels]]
        spread = np.cov(seen.T) + np.trace(np.cov(seen.T)) / data.width * np.eye(data.width)
        self.whitening = np.linalg.inv(spread).astype(np.float32)

    def directions(self, embeddings):
        """Unit vectors of what embeddings mean."""
        return unit_rows(embeddings[:, :self.data.width])

    def means(self, embeddings, truth, classes):
        """The mean direction of the examples of each class."""
        of = self.directions(embeddings)
        return unit_rows(np.stack([of[truth == one].mean(axis=0) for one in classes]))

    def plain(self, embeddings, truth, classes, strength):
        """The mean of the examples is added to the label's vector."""
        means = self.means(embeddings, truth, classes)
        return lambda found, own: own + strength * found[:, :self.data.width] @ means.T

    def bias(self, _embeddings, _truth, _classes, strength):
        """Every label that was taught is raised."""
        return lambda _found, own: own + strength / 10

    def discriminant(self, embeddings, truth, classes, strength):
        """The direction that tells the examples from label vectors is added (linear discriminant
        analysis, which a ridge regression on them is)."""
        means = self.means(embeddings, truth, classes)
        told = means @ self.whitening
        told *= (1 / np.einsum("cd,cd->c", told, means))[:, None]
        return lambda found, own: own + strength * found[:, :self.data.width] @ told.T

    def tip_adapter(self, embeddings, truth, classes, strength, sharpness=5.5):
        """A cache of examples: exp(-sharpness (1 - cosine)) of each is added (Zhang et al.,
        2022)."""
        of = self.directions(embeddings)
        target = (truth[:, None] == classes).astype(np.float32)
        return lambda found, own: own + strength * np.exp(
            -sharpness * (1 - self.directions(found) @ of.T)) @ target

    def second(self, embeddings, truth, classes, strength):
        """The mean of the examples is a second vector of the label."""
        means = self.means(embeddings, truth, classes)
        return lambda found, own: np.maximum(own, strength * found[:, :self.data.width] @ means.T)

    def zsl(self, embeddings, truth, classes, _strength):
        """What ``zsl teach`` does."""
        derived = derive(self.base, Examples(embeddings, truth, np.ones(len(truth), bool)),
                         temperature=self.data.temperature)
        assert derived.second_rows.tolist() == sorted(classes)
        return lambda found, own: np.maximum(own, found @ derived.second.T)


def outcome(data, sets, products, method, classes, shots, seed, strength):
    """hit@1 of the classes that are taught, and the points that objects-seen and imagenet-sample
    lose."""
    found, truth = sets["objects-unseen"]
    chosen, rest = drawn(truth, classes, shots, seed)
    learnt = method(found[chosen], truth[chosen], classes, strength)

    def taught(name, which=slice(None)):
        changed = products[name][which].copy()
        changed[:, classes] = learnt(sets[name][0][which], changed[:, classes])
        return changed
    costs = [100 * (hit(products[name], sets[name][1]) - hit(taught(name), sets[name][1]))
             for name in ("objects-seen", "imagenet-sample")]
    return [hit(taught("objects-unseen", rest), truth[rest]), *costs]


def mean_outcome(data, sets, products, method, classes, shots, seeds, strength):
    """The mean over seeds."""
    return np.mean([outcome(data, sets, products, method, classes, shots, seed, strength)
                    for seed in range(seeds)], axis=0)


def methods_table(data, sets, seeds):
    """Each method, as strong as its cost on the even classes allows."""
    products = {name: found @ data.vectors.T for name, (found, _) in sets.items()}
    classes = np.unique(sets["objects-unseen"][1])
    methods = Methods(data)
    print("| method | strength | " + " | ".join(
        f"{shots} example{'s' * (shots > 1)}: odd classes | all 20 | objects-seen, imagenet-sample"
        for shots in SHOTS) + " |\n|---|---|" + "---|" * 3 * len(SHOTS))
    truth = sets["objects-unseen"][1]
    print(f"| nothing taught | – | {hit(products['objects-unseen'], truth):.3f} |" + " – |" * 5)
    for name in ("bias", "plain", "discriminant", "tip_adapter", "second", "zsl"):
        method, strength = getattr(methods, name), 1.0
        if name != "zsl":
            costs = [mean_outcome(data, sets, products, method, classes[::2], 5, 2, one)[2]
                     for one in STRENGTHS]
            strength = STRENGTHS[max(0, int((np.array(costs) <= BUDGET).cumprod().sum()) - 1)]
        cells = []
        for shots in SHOTS:
            odd = mean_outcome(data, sets, products, method, classes[1::2], shots, seeds, strength)
            every = mean_outcome(data, sets, products, method, classes, shots, seeds, strength)
            cells += [f"{odd[0]:.3f}", f"{every[0]:.3f}", f"{every[1]:.2f}, {every[2]:.2f}"]
        print(f"| {name} | {strength:.2f} | " + " | ".join(cells) + " |", flush=True)


def denied(data, sets):
    """How often a wrong first label is gone from other photographs of a class, once one was said
    not to show it: for each class and each wrong label that at least three of its photographs have
    first. And how many photographs of that label keep it."""
    found, truth = sets["objects-unseen"]
    first = (found @ data.vectors.T).argmax(axis=1)
    others, of_others = sets["imagenet-sample"]
    others_first = (others @ data.vectors.T).argmax(axis=1)
    base = Base(data.vectors, data.width)
    for also in (False, True):
        gone = asked = kept = own = 0
        for row in np.unique(truth).tolist():
            for wrong, count in Counter(first[truth == row].tolist()).items():
                if wrong == row or count < 3:
                    continue
                those = np.flatnonzero((truth == row) & (first == wrong))
                right = np.flatnonzero((of_others == wrong) & (others_first == wrong))
                for at in those[:3].tolist():
                    shows = [False, True] if also else [False]
                    examples = Examples(found[[at] * len(shows)],
                                        np.array([wrong, row][:len(shows)]), np.array(shows))
                    derived = derive(base, examples, temperature=data.temperature,
                                     below=data.vocabulary.hierarchy.descendants)
                    rest = those[those != at]
                    after = checks.products_of(base, derived, found[rest]).argmax(axis=1)
                    gone, asked = gone + int((after != wrong).sum()), asked + len(rest)
                    after = checks.products_of(base, derived, others[right]).argmax(axis=1)
                    kept, own = kept + int((after == wrong).sum()), own + len(right)
        print(f"| {'the right label and --not' if also else '--not alone'} | {gone / asked:.3f} of "
              f"{asked} | {kept / max(own, 1):.3f} of {own} |")


def confidences(data, sets, seeds):
    """Of the keywords of photographs of classes that were taught by five, how many are right: the
    class, or above it. And how many have the class itself."""
    from zsl_cli.classifier.keyword_rule import KeywordRule
    from zsl_cli.vocabulary.search.second import Seconds
    from zsl_cli.vocabulary.taught.additions import Definitions, Taught
    from zsl_cli.vocabulary.vocabulary import Vocabulary

    found, truth = sets["objects-unseen"]
    plain, above = data.vocabulary, data.vocabulary.hierarchy.ancestors
    for shots in (0, *SHOTS):
        right = said = named = number = 0
        for seed in range(seeds if shots else 1):
            chosen, rest = drawn(truth, np.unique(truth), shots, seed)
            vocabulary = plain
            if shots:
                derived = derive(Base(data.vectors, data.width), Examples(
                    found[chosen], truth[chosen], np.ones(len(chosen), bool)),
                    temperature=data.temperature)
                vocabulary = Vocabulary(plain.manifest, plain.path, plain._lines, plain.indexed,
                                        Taught(Definitions(), derived.rows, derived.vectors,
                                               Seconds(derived.second_rows, derived.second),
                                               Seconds(derived.beside_rows, derived.beside)))
            classifier = Classifier(data.classifier.model, vocabulary)
            answers = classifier.answer(found[rest], vocabulary.exact, 1, 0.0, KeywordRule())
            for row, answer in zip(truth[rest].tolist(), answers, strict=True):
                rows = [plain.rows[one.id] for one in answer.keywords]
                right += sum(one == row or one in above(row) for one in rows)
                said, named, number = said + len(rows), named + (row in rows), number + 1
        print(f"| {shots} | {right / max(said, 1):.3f} | {said / number:.2f} | "
              f"{named / number:.3f} |", flush=True)


def groceries(data, work, seeds, train):
    """hit@1 on val of the finer classes as new labels: by ``zsl teach`` and ``zsl train``."""
    names = {}
    for part in ("train", "val"):
        for path in images_in(str(data._data / "groceries" / part)):
            name = "shop " + re.sub(r"_\d+$", "", Path(path).stem)
            names.setdefault(part, {}).setdefault(name, []).append(path)
    environment = os.environ | {"ZSL_HOME": str(work / "home")}

    def zsl(*arguments):
        done = subprocess.run([sys.executable, "-m", "zsl_cli", *map(str, arguments)], check=False,
                              capture_output=True, env=environment, cwd=work)
        if done.returncode > 1:
            sys.exit(done.stderr.decode())
        return done.stdout

    def hits(*arguments):
        rows = json.loads(zsl("eval", work / "val", "--json", "--quiet", *arguments))["rows"]
        return [row["class_hit@1"] for row in rows]
    _copy(names["val"], work / "val")
    found = []
    for seed in range(seeds if not train else 1):
        random = np.random.default_rng(seed)
        shutil.rmtree(work / "train", ignore_errors=True)
        _copy({name: [paths[at] for at in random.permutation(len(paths))[:5]]
               for name, paths in names["train"].items()}, work / "train")
        zsl("teach", "--from", work / "train", "--under", "food", "--into", f"shop-{seed}")
        found.append(hits("--model", "default", "--vocab", f"shop-{seed}", "--candidates", "own",
                          "--candidates", "all"))
    own, every = np.mean(found, axis=0)
    print(f"| zsl teach | {own:.3f} | {every:.3f} |", flush=True)
    if train:
        (work / "names.txt").write_text("".join(f"{name}\n" for name in names["train"]))
        zsl("vocab", "encode", "names.txt", "--model", "default", "-o", work / "fine")
        for loss in ((), ("--loss", "ridge")):
            shutil.rmtree(work / "run", ignore_errors=True)
            zsl("train", work / "train", "--vocab", work / "fine", "-o", work / "run", *loss)
            own, = hits("--model", work / "run" / "model", "--vocab", work / "fine",
                        "--candidates", "own")
            print(f"| zsl train {' '.join(loss)} | {own:.3f} | – |", flush=True)


def _copy(names, folder):
    for name, paths in names.items():
        (folder / name).mkdir(parents=True)
        for path in paths:
            shutil.copy(path, folder / name)


def seconds(data, work):
    """How long a lesson of 20 photographs takes that are indexed, from a cold process, the best of
    five; and reading 10,000 lessons."""
    environment = os.environ | {"ZSL_HOME": str(work / "home")}
    photos = sorted(images_in(str(data._data / "objects-unseen")))[:20]
    program = [sys.executable, "-m", "zsl_cli"]
    subprocess.run([*program, "index", data._data / "objects-unseen"], check=True, env=environment,
                   capture_output=True)
    times = []
    for number in range(5):
        started = time.perf_counter()
        subprocess.run([*program, "teach", "seahorse", *photos, "--into", f"timed-{number}"],
                       check=True, env=environment, capture_output=True)
        times.append(time.perf_counter() - started)
    print(f"| a lesson of 20 photographs that are indexed | {min(times):.2f} s |")
    from zsl_cli.vocabulary.taught import lessons

    one = lessons.Lesson("n00000001", True, "0-0", "/photo.jpg", "space", "2026-01-01T00:00:00Z",
                         np.ones(data.vocabulary.dimension, np.float16))
    text = lessons.to_lines([one] * 10_000).encode()
    started = time.perf_counter()
    lessons.from_lines(text.splitlines())
    print(f"| reading 10,000 lessons | {time.perf_counter() - started:.2f} s |")


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    data = Data(options.data.absolute(), options.cache)
    sets = {name: data.classes(name)
            for name in ("objects-unseen", "objects-seen", "imagenet-sample")}
    methods_table(data, sets, options.seeds)
    print("\n| lesson | the wrong label gone | photographs of it keep it |\n|---|---|---|")
    denied(data, sets)
    print("\n| examples | keywords right | a photograph | with the class |\n|---|---|---|---|")
    confidences(data, sets, min(options.seeds, 2))
    with tempfile.TemporaryDirectory() as work:
        print("\n| groceries, 81 new labels, five examples each | own candidates | all labels |"
              "\n|---|---|---|")
        groceries(data, Path(work), options.seeds, options.train)
        print("\n| time | |\n|---|---|")
        seconds(data, Path(work))


if __name__ == "__main__":
    main()
