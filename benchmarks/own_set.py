"""Prints what training on a set of one's own brings and costs, as a Markdown table.

    python benchmarks/own_set.py [--data ../shared/data/groceries] [--choices 5] [--loss rank]

In each of several random choices, ten classes of the set are held out of ``zsl train`` on
``train``. hit@1 on ``val`` is a mean over classes, all of the set's classes being candidates, those
held out too; before is the model that training begins with, in float32.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

from zsl_cli import Vocabulary, datasets, feature_cache, folders
from zsl_cli.cli.train import _checkpoint_of
from zsl_cli.exporting import plan
from zsl_cli.exporting.feature_encoder import FeatureEncoder
from zsl_cli.exporting.heads import Projected
from zsl_cli.exporting.projection import Projection
from zsl_cli.metrics import class_mean_hit_at_k


def hits(projection, planned, features, truth, candidates, vectors, held):
    """hit@1 on seen and on unseen classes."""
    head = Projected(projection, planned.features.width, planned.features.classifier)
    with torch.inference_mode():
        embeddings = head(torch.from_numpy(features)).numpy()
    best = candidates[(embeddings @ vectors[candidates].T).argmax(1)][:, None]
    unseen = np.isin(truth, held)
    return [class_mean_hit_at_k(best[which], truth[which], 1) for which in (~unseen, unseen)]


def main():
    """Train once a choice, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/groceries"))
    parser.add_argument("--choices", type=int, default=5)
    parser.add_argument("--loss", default="rank")
    arguments = parser.parse_args()
    vocabulary = Vocabulary.load("default")
    vectors = np.array(vocabulary.vectors, np.float32)
    vectors[:, vocabulary.prior_dimension] = 0  # candidates that somebody has chosen
    folder = folders.find(folders.MODEL, "default")
    planned = plan.make(plan.Request(_checkpoint_of(
        folder, folders.read_manifest(folders.MODEL, folder), None), "bench"))
    encoder = FeatureEncoder(planned)
    val = datasets.read(arguments.data / "val", vocabulary)
    features = feature_cache.embed(encoder, val.paths, identity=encoder.identity)
    assert not features.failed
    train = datasets.read(arguments.data / "train", vocabulary)
    candidates = np.union1d(train.labels, val.labels)
    given = (planned, features.values, val.rows, candidates, vectors)
    random, rows = np.random.default_rng(0), []
    print("| held out | seen before | after | unseen before | after | harmonic before | after |")
    print("|---|---|---|---|---|---|---|")
    for choice in range(arguments.choices):
        held = random.choice(val.labels, 10, replace=False)
        with tempfile.TemporaryDirectory() as work:
            (Path(work) / "held.txt").write_text(
                "\n".join(vocabulary.label(int(row)).id for row in held))
            subprocess.run([sys.executable, "-m", "zsl_cli", "train", str(arguments.data / "train"),
                            "-o", f"{work}/run", "--hold-out", f"{work}/held.txt", "--no-export",
                            "--quiet", "--loss", arguments.loss], check=True)
            trained = plan.make(plan.Request(Path(work) / "run" / "run.pt", "bench")).projection
        before = hits(Projection.of_model(folder), *given, held)
        after = hits(trained, *given, held)
        rows.append([before[0], after[0], before[1], after[1], harmonic(before), harmonic(after)])
        print(f"| choice {choice + 1} | " + " | ".join(f"{one:.3f}" for one in rows[-1]) + " |",
              flush=True)
    print("| mean | " + " | ".join(f"{one:.3f}" for one in np.mean(rows, 0)) + " |")


def harmonic(pair):
    """The harmonic mean of two shares."""
    return 2 * pair[0] * pair[1] / max(sum(pair), 1e-12)


if __name__ == "__main__":
    main()
