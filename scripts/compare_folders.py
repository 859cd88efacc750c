"""Says whether two builds of the default are the same.

    python scripts/compare_folders.py BUILT COMMITTED

Labels must be the same to the byte. The scores that a build gives to photographs, over its labels
and over names that its label encoder encodes, may differ by what another processor's rounding
makes of them (the axes of the space are free, so vectors are not compared one by one).
"""

import sys
from pathlib import Path

import numpy as np

from zsl_cli import Model, Vocabulary
from zsl_cli.authoring.exporting.quantize import bundled_pixels

MIN_CORRELATION = 0.995  # of the scores of an image over all labels
MIN_SAME_TOP = 0.95
_EVERY = 50  # labels: one's name is encoded as a phrase


def main() -> int:
    """Compare, print what differs, and return the exit status."""
    built, committed = (Path(argument) for argument in sys.argv[1:3])
    problems = []
    old, new = (Vocabulary.load(folder / "vocab" / "default") for folder in (committed, built))
    if (old.path / "labels.jsonl").read_bytes() != (new.path / "labels.jsonl").read_bytes():
        problems.append("the labels differ")
    else:
        pixels = bundled_pixels(Model.load(committed / "models" / "default").preprocessing, 64)
        ranks, encoded = [], []
        phrases = [f"a {label.name}" for label in old.labels[::_EVERY]]
        for folder, vocabulary in ((committed, old), (built, new)):
            model = Model.load(folder / "models" / "default", device="cpu")
            if model.space != vocabulary.space:
                problems.append(f"{folder}: the model's space is not the vocabulary's")
            embeddings = model.embed_pixels(list(pixels))
            ranks.append(embeddings @ vocabulary.vectors.astype(np.float32).T)
            if model.label_encoder is None:
                problems.append(f"{folder}: the model does not encode phrases")
            else:
                encoded.append(embeddings @ model.label_encoder.encode(phrases).T)
        for what, scores in (("labels", ranks), ("phrases", encoded)):
            if len(scores) < 2:
                continue
            close = [np.corrcoef(a, b)[0, 1] for a, b in zip(*scores, strict=True)]
            same = (scores[0].argmax(1) == scores[1].argmax(1)).mean()
            print(f"scores of {len(close)} images over {scores[0].shape[1]:,} {what}: smallest "
                  f"correlation {min(close):.5f}, same top one {same:.3f}")
            if min(close) < MIN_CORRELATION or same < MIN_SAME_TOP:
                problems.append(f"the scores of {what} differ by more than rounding")
    for problem in problems:
        print(problem)
    print("the same" if not problems else "NOT the same")
    return 1 if problems else 0


if __name__ == "__main__":
    raise SystemExit(main())
