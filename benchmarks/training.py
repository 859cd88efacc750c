"""Prints how long what training spends its time on takes, as a Markdown table.

    python benchmarks/training.py [--photos FOLDER] [--images 100000] [--labels 20000]

- An epoch of the ranking loss on cached features, for each way to choose negatives that suits so
  many labels; features and label vectors are random.
- With photographs: their features in float32, which are read once and cached, beside the
  embeddings of the default model by the pipeline of ``zsl label``, in float32 (exported anew) and
  as it is, in int8. Nothing is taken from the cache.
"""

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from zsl_cli import Model
from zsl_cli.authoring.exporting import export, plan
from zsl_cli.authoring.networks.projection import Projection
from zsl_cli.authoring.training.feature_encoder import FeatureEncoder
from zsl_cli.authoring.training.linear import LinearMap
from zsl_cli.authoring.training.losses import HingeRank
from zsl_cli.authoring.training.problem import Problem
from zsl_cli.authoring.training.start import ModelFolder, checkpoint_of
from zsl_cli.authoring.training.trainer import Settings, Training
from zsl_cli.embedding import feature_cache
from zsl_cli.embedding.walk import images_in
from zsl_cli.support import folders
from zsl_cli.support.vectors import unit_rows

BATCH = 1024


def print_epochs(images, labels, dimension):
    """One epoch for each way to choose negatives."""
    random = np.random.default_rng(0)
    vectors = unit_rows(random.standard_normal((labels, dimension), np.float32))
    inputs = unit_rows(random.standard_normal((images, 1280), np.float32))
    problem = Problem(inputs, random.integers(0, labels, images), vectors)
    for negatives in ("sampled", "first"):
        settings = Settings(HingeRank(negatives=negatives), batch_size=BATCH, epochs=1)
        training = Training(LinearMap(problem), settings)
        began = time.perf_counter()
        training.run_epoch()
        print(f"| an epoch of rank, {images:,} features, {labels:,} labels, negatives {negatives}, "
              f"batch {BATCH} | {time.perf_counter() - began:.1f} s |", flush=True)


def print_reading(photos):
    """Images a second of the features, and of zsl label's pipeline."""
    paths = list(images_in(str(photos)))
    with tempfile.TemporaryDirectory() as work:
        network = plan.make(plan.ExportRequest(
            checkpoint_of(ModelFolder.named("default")), Path(work) / "float32",
            vocabulary="default",
            projection=Projection.of_model(folders.find(folders.MODEL, "default"))))
        export(network)
        encoders = {"features": FeatureEncoder(network),
                    "embeddings, float32": Model.load(Path(work) / "float32", threads=1),
                    "embeddings, int8": Model.load("default", threads=1)}
        speeds = {}
        for name, encoder in encoders.items():
            feature_cache.embed(encoder, paths[:32], identity=None)  # warm
            began = time.perf_counter()
            feature_cache.embed(encoder, paths, identity=None)
            speeds[name] = len(paths) / (time.perf_counter() - began)
    for name, speed in speeds.items():
        print(f"| {name} of {len(paths):,} photographs | {speed:.0f} images/s, "
              f"features come {speeds['features'] / speed:.2f} times as fast |")


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--labels", type=int, default=20_000)
    parser.add_argument("--dimension", type=int, default=300)
    arguments = parser.parse_args()
    print("| what | measured |\n|---|---|")
    if arguments.photos:
        print_reading(arguments.photos)
    print_epochs(arguments.images, arguments.labels, arguments.dimension)


if __name__ == "__main__":
    main()
