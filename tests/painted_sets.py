"""A vocabulary of four colours, and the rows that ``zsl eval`` gives for it."""

import json

import numpy as np

from zsl_cli.vocabulary.vocabulary import Label

LABELS = [Label("c1", "colour"), Label("c2", "crimson", synonyms=("scarlet",), parents=("c1",),
                                       seen=True),
          Label("c3", "navy", parents=("c1",)), Label("c4", "lime", parents=("c1",))]
VECTORS = np.array([[0, 0, 0, 1], [1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0]], np.float32)


def rows_of(result):
    return {row["candidates"] + ("" if row["stacking"] is None else " stacked"): row
            for row in json.loads(result.stdout)["rows"]}
