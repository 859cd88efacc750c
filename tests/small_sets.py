"""A vocabulary folder of six labels, and class folders of empty images."""

import numpy as np

from zsl_cli.support import folders
from zsl_cli.support.folders import VOCABULARY
from zsl_cli.vocabulary.names.label import Label

LABELS = [
    Label("n1", "animal", gloss="a living thing"),
    Label("n2", "bird", parents=("n1",)),
    Label("n3", "crane", gloss="a wading bird", parents=("n2",), ambiguous=True, seen=True),
    Label("n4", "machine"),
    Label("n5", "crane", synonyms=("lifting crane",), gloss="lifts", parents=("n4",),
          ambiguous=True),
    Label("n6", "Ara ararauna", synonyms=("macaw", "blue_macaw"), parents=("n2",)),
]
PRIOR = [0.0, 0.1, 0.0, 0.2, 0.5, 0.0]


def make(folder, labels=tuple(LABELS), **changes):
    """A vocabulary folder of six labels in six dimensions, the seventh being the prior."""
    folder.mkdir()
    vectors = np.concatenate([np.eye(len(labels)), np.array(PRIOR[:len(labels)])[:, None]], axis=1)
    np.save(folder / "vectors.npy", vectors.astype(np.float16))
    (folder / "labels.jsonl").write_text("".join(label.to_json() + "\n" for label in labels))
    folders.write_manifest(VOCABULARY, folder, {
        "name": folder.name, "version": "1", "space": "s", "dimension": vectors.shape[1],
        "labels": len(labels), "prior_dimension": vectors.shape[1] - 1,
        "files": folders.describe_files(folder, "vectors.npy", "labels.jsonl"), **changes})
    return folder


def touch(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return folder
