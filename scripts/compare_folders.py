"""Says whether two builds of the default are the same.

    python scripts/compare_folders.py BUILT COMMITTED

Labels must be the same to the byte. The scores that a build gives to photographs may differ by
what another processor's rounding makes of them (the axes of the space are free, so vectors are
not compared one by one).
"""

import sys
from pathlib import Path

import numpy as np

from zsl_cli import Model, Vocabulary
from zsl_cli.exporting.quantize import bundled_pixels

MIN_CORRELATION = 0.995  # of the scores of an image over all labels
MIN_SAME_TOP = 0.95


def main() -> int:
    """Compare, print what differs, and return the exit status."""
    built, committed = (Path(argument) for argument in sys.argv[1:3])
    problems = []
    old, new = (Vocabulary.load(folder / "vocab" / "default") for folder in (committed, built))
    if (old.path / "labels.jsonl").read_bytes() != (new.path / "labels.jsonl").read_bytes():
        problems.append("the labels differ")
    else:
        pixels = bundled_pixels(Model.load(committed / "models" / "default").preprocessing, 64)
        ranks = []
        for folder, vocabulary in ((committed, old), (built, new)):
            model = Model.load(folder / "models" / "default", device="cpu")
            if model.space != vocabulary.space:
                problems.append(f"{folder}: the model's space is not the vocabulary's")
            embeddings = model.embed_pixels(list(pixels))
            ranks.append(embeddings @ vocabulary.vectors.astype(np.float32).T)
        close = [np.corrcoef(a, b)[0, 1] for a, b in zip(*ranks, strict=True)]
        same = (ranks[0].argmax(1) == ranks[1].argmax(1)).mean()
        print(f"scores of {len(close)} images over {len(old):,} labels: smallest correlation "
              f"{min(close):.5f}, same top label {same:.3f}")
        if min(close) < MIN_CORRELATION or same < MIN_SAME_TOP:
            problems.append("the scores differ by more than rounding")
    for problem in problems:
        print(problem)
    print("the same" if not problems else "NOT the same")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
