"""Prints what training on a set of one's own brings and costs, as a Markdown table.

    python benchmarks/own_set.py [--data ../shared/data/groceries] [--choices 6] [ARGUMENT...]

In each of several random choices ten classes of ``val`` are held out of ``zsl train train``, and
``zsl eval val`` compares the result with the default model that it began with: hit@1, means over
classes, all of the set's classes being candidates, those held out too. Further arguments are given
to ``zsl train``.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from zsl_cli import Vocabulary
from zsl_cli.evaluation import datasets
from zsl_cli.evaluation.metrics import harmonic_mean

HELD = 10
FIGURES = ("seen_hit@1", "unseen_hit@1", "harmonic_hit@1")


def zsl(*arguments):
    """What a command prints. Some of the classes have no label, which is an exit status of 1."""
    done = subprocess.run([sys.executable, "-m", "zsl_cli", *map(str, arguments)], check=False,
                          capture_output=True)
    if done.returncode > 1:
        sys.exit(done.stderr.decode())
    return done.stdout


def measure(data, held, more, work):
    """Before and after of the three figures, ``[3, 2]``."""
    (work / "held.txt").write_text("".join(f"{id_}\n" for id_ in held))
    zsl("train", data / "train", "-o", work / "run", "--hold-out", work / "held.txt", "--quiet",
        *more)
    found = json.loads(zsl("eval", data / "val", "--model", "default", "--model",
                           work / "run" / "model", "--candidates", "own", "--seen",
                           work / "run" / "seen.txt", "--json", "--quiet"))
    return np.array([[row[name] for row in found["rows"]] for name in FIGURES])


def main():
    """Train once a choice, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data/groceries"))
    parser.add_argument("--choices", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    arguments, more = parser.parse_known_args()
    vocabulary = Vocabulary.load("default")
    classes = [vocabulary.label(int(row)).id
               for row in datasets.read(arguments.data / "val", vocabulary).labels]
    random, found = np.random.default_rng(arguments.seed), []
    print("| ten classes held out | seen | unseen | harmonic mean |\n|---|---|---|---|")
    for choice in range(arguments.choices):
        with tempfile.TemporaryDirectory() as work:
            held = random.choice(classes, HELD, replace=False)
            found.append(measure(arguments.data, held, more, Path(work)))
        print(line(f"choice {choice + 1}", found[-1]), flush=True)
    mean = np.mean(found, axis=0)
    mean[2] = [harmonic_mean(*pair) for pair in mean[:2].T]
    print(line("**mean**", mean))


def line(name, figures):
    """A row of the table."""
    return f"| {name} | " + " | ".join(
        f"{before:.3f} → {after:.3f} ({100 * (after - before):+.1f})"
        for before, after in figures) + " |"


if __name__ == "__main__":
    main()
