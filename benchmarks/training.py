"""Prints how long an epoch of the ranking loss takes on cached features, as a Markdown table.

python benchmarks/training.py [--images 100000] [--labels 20000] [--dimension 300]
"""

import argparse
import time

import numpy as np

from zsl_cli.training.linear import LinearMap
from zsl_cli.training.losses import Objective
from zsl_cli.training.problem import Problem
from zsl_cli.training.trainer import Settings, Training

BATCH = 1024


def main():
    """One epoch for each way to choose negatives that suits so many labels."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--labels", type=int, default=20_000)
    parser.add_argument("--dimension", type=int, default=300)
    arguments = parser.parse_args()
    random = np.random.default_rng(0)
    vectors = random.standard_normal((arguments.labels, arguments.dimension), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    inputs = random.standard_normal((arguments.images, 1280), np.float32)
    inputs /= np.linalg.norm(inputs, axis=1, keepdims=True)
    problem = Problem(inputs, random.integers(0, arguments.labels, arguments.images), vectors)
    print("| negatives | batch | epoch |\n|---|---|---|")
    for negatives in ("sampled", "first"):
        settings = Settings(Objective(negatives=negatives), batch_size=BATCH, epochs=1)
        training = Training(LinearMap(problem), settings)
        began = time.perf_counter()
        training.run_epoch()
        print(f"| {negatives} | {BATCH} | {time.perf_counter() - began:.1f} s |", flush=True)


if __name__ == "__main__":
    main()
