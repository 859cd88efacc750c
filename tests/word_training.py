"""A corpus with two topics, and trainings of word vectors on it."""

import numpy as np
from lines import Lines

from zsl_cli.authoring.vocabularies.word_training import prepare, skipgram, training

ANIMALS = ["cat", "dog", "horse", "lion", "tiger", "wolf", "mouse", "sheep"]
TOOLS = ["hammer", "saw", "drill", "chisel", "wrench", "pliers", "file", "plane"]
SMALL = ("--dimension", "16", "--phrase-threshold", "15", "--sample", "0")
LONG = (*SMALL, "--epochs", "8", "--dimension", "64", "--save-every", "0.004")


def text(lines=400, seed=0):
    """Each line is about animals or about tools, with a phrase in it and chance words."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(lines):
        topic, phrase = [(ANIMALS, "great white shark"), (TOOLS, "monkey wrench")][
            random.integers(2)]
        words = [*random.choice(topic, 10), phrase, *(f"w{n}" for n in random.integers(0, 60, 9))]
        found.append(" ".join(str(word) for word in random.permutation(words)) + ".")
    return "\n".join(found)


def request(corpus, target, *, words=None, settings=None, **more):
    return training.WordTrainingRequest(
        corpus, target, prepare.Settings(**{"phrase_threshold": 15.0, **(words or {})}),
        skipgram.Settings(**{"dimension": 16, "sample": 0.0, "epochs": 2, **(settings or {})}),
        **{"workers": 1, **more})


def trained(*arguments, lines=None, **options):
    return training.train(request(*arguments, **options), Lines() if lines is None else lines)


def vectors(folder):
    return np.load(folder / "vectors.npy", allow_pickle=False)


def left(folder):
    return sorted(path.name for path in folder.iterdir())
