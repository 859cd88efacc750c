"""Checks of a vocabulary."""

import tracemalloc
from types import SimpleNamespace

import numpy as np

from zsl_cli.vocabulary import checks
from zsl_cli.vocabulary.names.label import Label


def test_identical_vectors_are_found_in_little_memory(tmp_path):
    vectors = np.random.default_rng(0).normal(size=(5_000, 1024)).astype(np.float32)
    vectors[[7, 4_000]] = vectors[3]
    np.save(tmp_path / "v.npy", vectors)
    vocabulary = SimpleNamespace(vectors=np.load(tmp_path / "v.npy", mmap_mode="r"),
                                 label=lambda row: Label(str(row), f"label {row}"))
    tracemalloc.start()
    found = checks._identical(vocabulary)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.examples == ("label 3, label 7, label 4000",)
    assert peak < vectors.nbytes / 10
