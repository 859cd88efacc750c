"""What can be wrong with a vocabulary folder, looked for part by part."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from zsl_cli.errors import FolderError
from zsl_cli.support import folders
from zsl_cli.support.wording import listed
from zsl_cli.vocabulary.names.label import LABELS_FILE, normal_name
from zsl_cli.vocabulary.search import recall
from zsl_cli.vocabulary.search.nearest import as_float32
from zsl_cli.vocabulary.vocabulary import VECTORS_FILE, Vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EXAMPLES = 5
_BLOCK = 65_536  # vectors looked at at once
_DIGEST = 16  # bytes; two of a million vectors share one by chance once in 10**26 times

_TOLERANCE = {np.dtype(np.float16): 1e-3, np.dtype(np.float32): 1e-4}
"""How far from 1 the norm of a unit vector may be once its numbers are rounded: half a unit in
the last place of each (2**-11, 2**-24), and room for the arithmetic that made them."""


@dataclass(frozen=True)
class Check:
    """What was found in one part. A ``note`` is worth knowing, ``wrong`` has to be mended."""

    name: str
    state: Literal["ok", "note", "wrong"]
    message: str
    examples: tuple[str, ...] = ()


def read(folder: Path) -> Vocabulary:
    """The vocabulary of a folder, each of its files compared with its hash and every line parsed.

    Raises FolderError.
    """
    manifest = folders.read_manifest(folders.VOCABULARY, folder)
    for file in manifest.files:
        if file not in (LABELS_FILE, VECTORS_FILE):  # which loading looks at
            folders.check_file(folder, file, manifest)
    vocabulary = Vocabulary.load(folder)
    _ = vocabulary.labels, vocabulary.hnsw_parameters, vocabulary.beside
    return vocabulary


def check_files(folder: Path) -> tuple[Check, Vocabulary | None]:
    """Whether a vocabulary can be read from the folder, and the vocabulary if it can."""
    try:
        vocabulary = read(folder)
    except FolderError as error:
        return Check("files", "wrong", str(error)), None
    number = len(vocabulary.manifest.files)
    return Check("files", "ok", f"{number} files are what the manifest says"), vocabulary


def check(vocabulary: Vocabulary, *, index: bool = True,
          advance: Callable[[int], object] | None = None) -> Iterator[Check]:
    """The checks of a vocabulary, each as it is done.

    index: whether to compare the HNSW index with exact search, for which it is built if it is
        not in the cache yet.
    advance: see Hnsw.
    """
    yield _space(vocabulary)
    norms = _norms(vocabulary)
    yield norms
    yield _twice("ids", "wrong", "stand", [label.id for label in vocabulary.labels])
    yield _twice("names", "note", "mean several labels",
                 [normal_name(label.name) for label in vocabulary.labels])
    yield _parents(vocabulary)
    yield _cycles(vocabulary)
    yield _identical(vocabulary)
    if index and norms.state != "wrong":
        yield _index(vocabulary, advance)


def _space(vocabulary: Vocabulary) -> Check:
    fitting = []
    for folder in folders.available(folders.MODEL):
        try:
            model = folders.read_manifest(folders.MODEL, folder)
        except FolderError:
            continue
        if model.fits(vocabulary.manifest):
            fitting.append(folder.name)
    what = (f"{len(vocabulary):,} labels, {vocabulary.vectors.dtype} vectors of "
            f"{vocabulary.dimension} dimensions in space {vocabulary.space}; ")
    if not fitting:
        return Check("space", "note", what + "no model that a name can reach maps into it")
    return Check("space", "ok", what + f"models that map into it: {', '.join(fitting)}")


def _norms(vocabulary: Vocabulary) -> Check:
    """Whether all vectors have unit length, the dimensions of the prior included; what was taught
    may have any."""
    tolerance = _TOLERANCE.get(vocabulary.vectors.dtype, 1e-4)
    norms = np.concatenate([
        np.linalg.norm(as_float32(vocabulary.indexed[start:start + _BLOCK]), axis=1)
        for start in range(0, len(vocabulary.indexed), _BLOCK)])
    unlike = ~(np.abs(norms - 1) <= tolerance)  # true for NaN
    if not unlike.any():
        return Check("norms", "ok", f"all vectors have length 1, within {tolerance:g}")
    not_finite, zero = ~np.isfinite(norms), norms == 0
    counts = {"without a finite number throughout": not_finite, "zero": zero,
              "of another length than 1": unlike & ~not_finite & ~zero}
    message = ", ".join(f"{int(rows.sum()):,} vectors {what}"
                        for what, rows in counts.items() if rows.any())
    worst = [int(row) for rows in counts.values() for row in np.flatnonzero(rows)[:_EXAMPLES]]
    return Check("norms", "wrong", message, tuple(
        f"row {row + 1}, {vocabulary.label(row).id} ({vocabulary.label(row).name}): length "
        f"{norms[row]:.4g}" for row in worst[:_EXAMPLES]))


def _twice(what: str, state: Literal["note", "wrong"], how: str, values: list[str]) -> Check:
    several = [(value, number) for value, number in Counter(values).items() if number > 1]
    if not several:
        return Check(what, "ok", f"each of the {len(values):,} {what} stands once")
    several.sort(key=lambda pair: -pair[1])
    return Check(what, state, f"{len(several):,} {what} {how}"
                 + (" more than once" if state == "wrong" else ""),
                 tuple(f"{value}: {number} times" for value, number in several[:_EXAMPLES]))


def _parents(vocabulary: Vocabulary) -> Check:
    unknown = [(label.id, parent) for label in vocabulary.labels for parent in label.parents
               if parent not in vocabulary.rows]
    if unknown:
        return Check("parents", "note", f"{len(unknown):,} parents are no labels of this "
                     "vocabulary, and are ignored",
                     tuple(f"{id_}: {parent}" for id_, parent in unknown[:_EXAMPLES]))
    number = sum(bool(label.parents) for label in vocabulary.labels)
    return Check("parents", "ok", f"{number:,} labels have parents, all of them labels"
                 if number else "no label has a parent")


def _cycles(vocabulary: Vocabulary) -> Check:
    cycles = vocabulary.hierarchy.cycles()
    if not cycles:
        return Check("cycles", "ok", "no label lies above itself")
    return Check("cycles", "wrong", f"{len(cycles):,} cycles among the parents", tuple(
        " > ".join(vocabulary.label(row).id for row in [cycle[0], *cycle[:0:-1], cycle[0]])
        for cycle in cycles[:_EXAMPLES]))


def _identical(vocabulary: Vocabulary) -> Check:
    digests = np.array([  # in the place of the vectors, which may take gigabytes
        hashlib.blake2b(np.ascontiguousarray(row).data, digest_size=_DIGEST).digest()
        for row in np.asarray(vocabulary.vectors)], np.dtype((np.void, _DIGEST)))
    _, group, sizes = np.unique(digests, return_inverse=True, return_counts=True)
    shared = np.flatnonzero(sizes > 1)
    if not len(shared):
        return Check("identical", "ok", "no two labels have the same vector")
    number = int(sizes[shared].sum())
    return Check("identical", "note", f"{number:,} labels share their vector with another, in "
                 f"{len(shared):,} groups; no image tells them apart", tuple(
                     _names(vocabulary, np.flatnonzero(group == one))
                     for one in shared[np.argsort(-sizes[shared], kind="stable")][:_EXAMPLES]))


def _names(vocabulary: Vocabulary, rows: "NDArray[np.integer]") -> str:
    return listed([vocabulary.label(int(row)).name for row in rows], _EXAMPLES)


def _index(vocabulary: Vocabulary, advance: Callable[[int], object] | None) -> Check:
    parameters = vocabulary.hnsw_parameters
    measured = recall.measure(vocabulary.indexed,
                              vocabulary.index_cache().open(vocabulary.indexed, advance=advance))
    message = (f"recall@{recall.K} {measured.recall:.4f} of HNSW against exact search over "
               f"{recall.QUERIES} noisy label vectors (M {parameters.m}, ef_construction "
               f"{parameters.ef_construction}, ef {parameters.ef})")
    if measured.recall >= recall.ENOUGH:
        return Check("index", "ok", message)
    return Check("index", "wrong", message + f", below {recall.ENOUGH}: build the vocabulary with "
                 "a larger ef, M or ef_construction, or search it by brute force")
