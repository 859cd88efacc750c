"""Prints how long an evaluation takes and how much memory it needs, as a Markdown table.

    python benchmarks/evaluation.py [--images 10000] [--labels 20000] [--dimension 451]

Labels and embeddings are made up: unit vectors around the nodes of a random tree, an embedding a
label's vector with noise; a twentieth of the labels is seen. Each line is a process of its own,
and its peak memory is all of that process's, Python, NumPy, labels and embeddings included.
"""

import argparse
import multiprocessing
import resource
import sys
import time
from types import SimpleNamespace

import numpy as np

from zsl_cli import Classifier, Vocabulary
from zsl_cli.evaluation.candidates import Candidates, seen_mask
from zsl_cli.evaluation.measure import Settings, Subject
from zsl_cli.evaluation.measure import measure as measure_subject
from zsl_cli.support.calibration import Calibration
from zsl_cli.support.manifests import VocabularyManifest
from zsl_cli.vocabulary.names.label import Label

CASES = ("all", "all, with stacking", "all of them listed")


def make(images, labels, dimension):
    """A subject: classifier, embeddings and the rows of the true labels."""
    random = np.random.default_rng(0)
    parents = [int(random.integers(max(0, row // 4 - 3), max(1, row // 4 + 1)))
               for row in range(labels)]
    vectors = random.normal(size=(labels, dimension)).astype(np.float32)
    for row in range(1, labels):
        vectors[row] += vectors[parents[row]]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    lines = [Label(f"n{row}", f"label {row}", parents=(f"n{parents[row]}",) if row else (),
                   seen=row % 20 == 0).to_json().encode() for row in range(labels)]
    manifest = VocabularyManifest.of_phrases("made up", dimension, labels)
    vocabulary = Vocabulary(manifest, None, lines, vectors.astype(np.float16))
    model = SimpleNamespace(name="made up", manifest=manifest, calibration=Calibration())
    truth = random.integers(0, labels, images)
    embeddings = random.normal(size=(images, dimension)).astype(np.float32)
    embeddings *= 1.5 / np.sqrt(dimension)
    embeddings += vectors[truth]
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    return Subject("made up", Classifier(model, vocabulary), embeddings, truth,
                   [f"{at}.jpg" for at in range(images)], seen_mask(vocabulary))


def measure(case, images, labels, dimension):
    """Seconds, peak memory in bytes, and hit@1 of one case."""
    subject = make(images, labels, dimension)
    candidates = Candidates("all", np.arange(labels), whole=case != CASES[2])
    started = time.perf_counter()
    gamma = 0.02 if case == CASES[1] else 0.0
    outcome = measure_subject(subject, candidates, Settings(), gamma=gamma)
    seconds = time.perf_counter() - started
    unit = 1 if sys.platform == "darwin" else 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return seconds, peak, outcome.row["hit@1"]


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--labels", type=int, default=20_000)
    parser.add_argument("--dimension", type=int, default=451)
    options = parser.parse_args()
    print(f"{options.images:,} embeddings against {options.labels:,} labels of "
          f"{options.dimension} dimensions: all figures of one row, 1,000 bootstrap resamples.\n")
    print("| candidates | seconds | peak memory | hit@1 |\n| --- | --: | --: | --: |")
    spawn = multiprocessing.get_context("spawn")
    for case in CASES:
        with spawn.Pool(1) as pool:
            seconds, peak, hit = pool.apply(measure, (case, options.images, options.labels,
                                                      options.dimension))
        print(f"| {case} | {seconds:.1f} | {peak / 1e6:,.0f} MB | {hit:.3f} |", flush=True)


if __name__ == "__main__":
    main()
