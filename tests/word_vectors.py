"""Files of word vectors in all formats, as small as they can be."""

import struct

import numpy as np

WORDS = ["the", "tiger", "shark", "great_white_shark", "café", "Siamese_cat", "teapot", "red",
         "panda", "crane", "</s>"]
DIMENSION = 6


def vectors(words=WORDS, dimension=DIMENSION):
    """A vector for each word, the same every time."""
    random = np.random.default_rng(0)
    return {word: random.normal(size=dimension).astype(np.float32) for word in words}


def text(found, header=True, number="{:.9g}", blank=" ", end="\n"):
    """word2vec's text; without the header, GloVe's."""
    dimension = len(next(iter(found.values())))
    first = f"{len(found)} {dimension}{end}" if header else ""
    return (first + "".join(word + blank + blank.join(number.format(x) for x in vector) + end
                            for word, vector in found.items())).encode()


def binary(found, newline=b""):
    """word2vec's binary format, as gensim writes it, or with the original's line ends."""
    dimension = len(next(iter(found.values())))
    return f"{len(found)} {dimension}\n".encode() + b"".join(
        word.encode() + b" " + vector.astype("<f4").tobytes() + newline
        for word, vector in found.items())


def fasttext(found, *, buckets=0, rows=None, quantised=False, version=12, labels=0,
             model=2):
    """fastText's .bin without subwords, or with rows for buckets of n-grams; without a version,
    as it was before it had a mark."""
    dimension = len(next(iter(found.values())))
    words = b"" + b"".join(
        word.encode() + b"\0" + struct.pack("<qb", 5, 0) for word in found)
    of_labels = b"".join(f"__label__{i}".encode() + b"\0" + struct.pack("<qb", 5, 1)
                         for i in range(labels))
    matrix = np.stack([*found.values(), *(rows if rows is not None else [])]).astype("<f4")
    longest = 4 if buckets else 0
    marked = version is not None
    return ((struct.pack("<2i", 793712314, version) if marked else b"")
            + struct.pack("<12id", dimension, 5, 1, 1, 5, 1, 2, model, buckets, 3, longest, 100,
                          1e-4)
            + struct.pack("<3iq", len(found) + labels, len(found), labels, 100)
            + (struct.pack("<q", -1) if marked else b"") + words + of_labels
            + (struct.pack("<?", quantised) if marked else b"")
            + struct.pack("<2q", *matrix.shape) + matrix.tobytes()
            + struct.pack("<?2q", False, 0, dimension))


FOUND = vectors()
BINARY = binary(FOUND)
