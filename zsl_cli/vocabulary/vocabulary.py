"""Vocabulary: a vocabulary folder, its labels and their vectors, and the search over them."""

import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.errors import FolderError, UnknownLabelError
from zsl_cli.support import folders
from zsl_cli.support.manifests import VocabularyManifest
from zsl_cli.support.vectors import unit_rows
from zsl_cli.vocabulary.beside import Beside
from zsl_cli.vocabulary.lines import Lines
from zsl_cli.vocabulary.names.label import LABELS_FILE, Label, Match, normal_name
from zsl_cli.vocabulary.search import nearest
from zsl_cli.vocabulary.search.second import ExactOfTwo, Patched
from zsl_cli.vocabulary.search.subset import Subset
from zsl_cli.vocabulary.taught.additions import Taught

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.vocabulary.hierarchy.hypernyms import Hierarchy
    from zsl_cli.vocabulary.hierarchy.taxonomy import Taxonomy
    from zsl_cli.vocabulary.names.language import LanguageNames
    from zsl_cli.vocabulary.names.name_index import NameIndex
    from zsl_cli.vocabulary.names.spelling import Names
    from zsl_cli.vocabulary.names.taken import Taken
    from zsl_cli.vocabulary.search.index_cache import IndexCache

VECTORS_FILE = "vectors.npy"

_NOT_PLAIN = 1 << 30  # the place of a word that is none of the plain ones


class Vocabulary:
    """Labels and their vectors, from a vocabulary folder.

    Rows of the folder are numbered from 0 and stay the same in every subset.
    """

    def __init__(self, manifest: VocabularyManifest, path: Path | None, lines: Sequence[bytes],
                 vectors: "NDArray[np.floating]", taught: Taught | None = None) -> None:
        """path: None for ``empty``, which has no folder. lines, vectors: of the labels, or of the
        base's where there is something ``taught``."""
        self.path = path
        self.name = manifest.name
        self.space = manifest.space
        self.dimension = manifest.dimension
        self.manifest = manifest
        self.taught = taught
        self.indexed = vectors
        """What an HNSW index is over: ``vectors``, but for what was taught."""
        self.vectors = vectors if taught is None else taught.over(vectors)
        self.language: LanguageNames | None = None
        """Labels are found by names of this language first, and called so (``name_of``)."""
        self._lines = lines
        self._parsed: dict[int, Label] = {}
        self._matches: dict[tuple[str, LanguageNames | None], Match | None] = {}
        self._hnsw: nearest.Hnsw | Patched | None = None

    @classmethod
    def load(cls, name: str | os.PathLike[str] = "default", *,
             language: str | os.PathLike[str] | None = None) -> "Vocabulary":
        """The vocabulary of this name or in this folder, its files checked against their hashes.

        language: of its labels' names, see LanguageNames.load.

        Raises FolderError.
        """
        folder = folders.find(folders.VOCABULARY, name)
        vocabulary = cls._read(folder, folders.read_manifest(folders.VOCABULARY, folder))
        if language is not None:
            from zsl_cli.vocabulary.names.language import LanguageNames

            vocabulary.language = LanguageNames.load(language)
        return vocabulary

    @classmethod
    def empty(cls, space: str, dimension: int) -> "Vocabulary":
        """No labels at all, for a model that encodes the phrases it is to choose from."""
        return cls(VocabularyManifest.of_phrases(space, dimension), None, [],
                   np.empty((0, dimension), np.float32))

    @classmethod
    def start_loading(cls, name: str | os.PathLike[str] = "default", *,
                      exact: bool | None = None, queries: int = 1,
                      ef: int | None = None, keywords: bool = False) -> "Future[Vocabulary]":
        """Load on another thread, so that a program can start its model meanwhile, and make the
        ``searcher`` of these arguments ready and, for ``keywords``, what these need.

        Raises FolderError at once for a folder that is not there; the future raises it for one
        whose files are not what the manifest says.
        """
        folder = folders.find(folders.VOCABULARY, name)
        manifest = folders.read_manifest(folders.VOCABULARY, folder)
        pool = ThreadPoolExecutor(1, thread_name_prefix="zsl-vocabulary")
        future = pool.submit(cls._read, folder, manifest, exact, queries, ef, keywords)
        pool.shutdown(wait=False)
        return future

    @classmethod
    def _read(cls, folder: Path, manifest: VocabularyManifest, exact: bool | None = None,
              queries: int = 0, ef: int | None = None, keywords: bool = False) -> "Vocabulary":
        for file in (LABELS_FILE, VECTORS_FILE):
            folders.check_file(folder, file, manifest)
        try:
            vectors = np.lib.format.open_memmap(folder / VECTORS_FILE, mode="r")
        except Exception as error:  # a damaged file fails in as many ways as it has bytes
            raise FolderError(f"{folder / VECTORS_FILE}: not the array that is expected: {error}"
                              ) from error
        try:
            lines = Lines((folder / LABELS_FILE).read_bytes())
        except OSError as error:
            raise FolderError(f"{folder / LABELS_FILE}: {error.strerror}") from error
        new = manifest.taught.labels if manifest.taught else 0
        shape = manifest.labels - new, manifest.dimension
        if vectors.shape != shape or vectors.dtype.kind != "f" or len(lines) != shape[0]:
            raise FolderError(
                f"{folder}: {folders.VOCABULARY.file} speaks of {shape[0]} labels of dimension "
                f"{shape[1]}, {VECTORS_FILE} holds {vectors.dtype} {list(vectors.shape)}, "
                f"{LABELS_FILE} {len(lines)} lines")
        taught = Taught.load(folder, manifest) if manifest.taught else None
        vocabulary = cls(manifest, folder, lines, vectors, taught)
        if queries:
            vocabulary.searcher(exact=exact, queries=queries, ef=ef)
        if keywords:
            for needed in ("taxonomy", "beside", "exact"):
                getattr(vocabulary, needed)
        return vocabulary

    def __len__(self) -> int:
        return len(self._lines) + (len(self.taught.definitions.labels) if self.taught else 0)

    def label(self, row: int) -> Label:
        """The label of a row (lines are parsed when they are asked for)."""
        if self.taught and row >= len(self._lines):
            return self.taught.definitions.labels[row - len(self._lines)]
        if row not in self._parsed:
            try:
                label = Label.from_json(self._lines[row])
                self._parsed[row] = self.taught.definitions.named(label) if self.taught else label
            except ValueError as error:
                where = f"{self.path}{os.sep}{LABELS_FILE}"
                raise FolderError(f"{where}, line {row + 1}: {error}") from error
        return self._parsed[row]

    @cached_property
    def labels(self) -> list[Label]:
        """All labels, in the order of the rows."""
        return [self.label(row) for row in range(len(self))]

    @cached_property
    def rows(self) -> dict[str, int]:
        """The row of each id."""
        return {label.id: row for row, label in enumerate(self.labels)}

    @cached_property
    def has_wordnet_ids(self) -> bool:
        """Whether there are WordNet's ids among those of the labels."""
        from zsl_cli.vocabulary.names.class_names import WORDNET_ID

        return any(map(WORDNET_ID.fullmatch, self.rows))

    @cached_property
    def hierarchy(self) -> "Hierarchy":
        """The graph of parents over the rows."""
        from zsl_cli.vocabulary.hierarchy.hypernyms import Hierarchy

        return Hierarchy([label.id for label in self.labels],
                         [label.parents for label in self.labels])

    def name_of(self, label: Label) -> str:
        """What a label is called: its name, or that in the ``language``."""
        return label.name if self.language is None else self.language.name_of(label)

    def word_of(self, label: Label) -> str:
        """The word that people use for a label: that of the ``language``, else the plain English
        one, else its name."""
        return label.word if self.language is None else self.language.name_of(label)

    def lineage(self, id_: str) -> tuple[tuple[str, str], ...]:
        """(id, ``name_of``) from the root of the hierarchy down to the label of this id."""
        return tuple((label.id, self.name_of(label))
                     for label in map(self.label, self.hierarchy.lineage(self.rows[id_])))

    @cached_property
    def spelling(self) -> "Names":
        """All names and synonyms, as ``normal_name`` writes them, to be asked for those like a
        text."""
        from zsl_cli.vocabulary.names.spelling import Names

        spoken = self.language.all_names if self.language else []
        return Names(list(dict.fromkeys([*spoken, *self._index.names])))

    def path_names(self, id_: str) -> tuple[str, ...]:
        """The names of ``lineage``; a phrase, which is its own id, lies under nothing."""
        return tuple(name for _, name in self.lineage(id_)) if id_ in self.rows else (id_,)

    @cached_property
    def _index(self) -> "NameIndex":
        from zsl_cli.vocabulary.names.name_index import NameIndex

        return NameIndex(self.labels, self.rows)

    def find(self, text: str) -> Match:
        """As look_up; raises UnknownLabelError, with the nearest names, for what is no label."""
        match = self.look_up(text)
        if match is None:
            raise self.unknown(text)
        return match

    def unknown(self, text: str) -> UnknownLabelError:
        """The error that a text is no label, with the nearest names."""
        from zsl_cli.vocabulary.names.spelling import ALIKE

        close = self.spelling.like(normal_name(text), most=5, least=ALIKE)
        return UnknownLabelError(f"unknown label {text!r}; " + (
            f"the nearest names are: {', '.join(close)}" if close
            else "no name of this vocabulary is like it"))

    def look_up(self, text: str) -> Match | None:
        """The label that an id, a name or a synonym stands for, or None.

        A name of the ``language`` comes before an English one; which names count, see
        ``NameIndex.meant``. One with several senses means the label of whose plain words it is the
        earliest; else, and among these, a sense that is not ``rare`` for this name, the most usual
        one in pictures (see ``_usual``; without a label prior: the first main name).
        """
        key = text, self.language
        if key not in self._matches:  # a long list is looked up in several places
            self._matches[key] = self._match(text)
        return self._matches[key]

    def _match(self, text: str) -> Match | None:
        if text.strip() in self.rows:
            return Match(text, self.rows[text.strip()])
        meant = self._index.meant(text, self.language)
        if meant is None:
            return None
        best = meant.rows[0]
        if len(meant.rows) > 1:
            best = max(meant.rows, key=lambda row: (
                -meant.plain.get(row, _NOT_PLAIN), row not in meant.rare,
                0.0 if self.prior_dimension is None else self._usual(row, row in meant.main)))
        return Match(text, best, tuple(row for row in meant.rows if row != best),
                     best in meant.rare or meant.vague)

    def _usual(self, row: int, is_main: bool) -> float:
        """How likely a name means this label. A label prior is of all its names: a sense of which
        it is the main name (a chair, not an electric chair), and one that somebody has collected
        pictures of (a leopard, not its pelt), are as much more usual as priors differ."""
        return self.prior(row) + self._prior_spread * (is_main + self.label(row).seen)

    @cached_property
    def _prior_spread(self) -> float:
        if self.prior_dimension is None:
            return 1.0
        return float(np.std(self.vectors[:, self.prior_dimension], dtype=np.float64))

    @property
    def prior_dimension(self) -> int | None:
        """The dimension of the label vectors that holds the label prior, if there is one."""
        return self.manifest.prior_dimension

    def prior(self, row: int) -> float:
        """How usual a label is in pictures, in the units of the score; 0 without a prior."""
        if self.prior_dimension is None:
            return 0.0
        return float(self.vectors[row, self.prior_dimension])

    def check_vectors(self, rows: "NDArray[np.int64] | None" = None,
                      vectors: "NDArray[np.floating] | None" = None) -> None:
        """Raise FolderError where the vector of a label is zero or not finite: nothing can be
        compared with it, and one number that is none would leave every image without an answer.

        rows: these labels alone, rising; vectors: what they have, where it is at hand.
        """
        from zsl_cli.vocabulary.soundness import complaint, unsound

        if vectors is None:
            vectors = self.vectors if rows is None else self.vectors[rows]
        wrong = unsound(vectors)
        if len(wrong):
            row = int(wrong[0] if rows is None else rows[wrong[0]])
            raise complaint(f"{self.path or self.name}{os.sep}{VECTORS_FILE}", row,
                            self.label(row), len(wrong) - 1)

    @cached_property
    def meanings(self) -> "NDArray[np.float32]":
        """What the labels mean: unit vectors, float32 ``[labels, D']``, of the dimensions before
        the label prior's (the prior, and what fills a vector up to unit length, come behind
        them), or of all where there is none. What is zero without the prior stays zero. Raises
        FolderError as ``check_vectors``."""
        self.check_vectors()
        return unit_rows(nearest.as_float32(self.vectors[:, :self.prior_dimension]))

    @cached_property
    def hnsw_parameters(self) -> nearest.HnswParameters:
        """The index's parameters: the manifest's, and those that suit this number of labels
        where it says nothing. Raises FolderError."""
        try:
            return replace(nearest.HnswParameters.suited_to(len(self)),
                           **self.manifest.hnsw)
        except (TypeError, ValueError) as error:
            raise FolderError(f"{self.path}{os.sep}{folders.VOCABULARY.file}: hnsw: {error}"
                              ) from error

    @cached_property
    def beside(self) -> Beside:
        """The second vectors of labels that stand beside other things. Raises FolderError."""
        if self.path is None:
            return Beside(np.empty(0, np.int64), np.empty((0, self.dimension), np.float32))
        beside = Beside.load(self.path, self.manifest)
        return self.taught.over_beside(beside) if self.taught else beside

    @cached_property
    def taxonomy(self) -> "Taxonomy":
        """The hierarchy as arrays."""
        from zsl_cli.vocabulary.hierarchy.taxonomy import Taxonomy

        return Taxonomy.of(self)

    @cached_property
    def exact(self) -> nearest.Exact:
        """The exact search over all labels, all vectors in memory. Raises FolderError as
        ``check_vectors``."""
        vectors = nearest.as_float32(self.vectors)
        self.check_vectors(vectors=vectors)
        return ExactOfTwo(vectors, self.taught.seconds) if self.taught else nearest.Exact(vectors)

    def index_cache(self, parameters: nearest.HnswParameters | None = None) -> "IndexCache":
        """Where the HNSW index over the label vectors is kept; ``parameters`` in the place of
        the manifest's."""
        from zsl_cli.vocabulary.search.index_cache import IndexCache

        return IndexCache(self.manifest.files[VECTORS_FILE].sha256,
                          parameters or self.hnsw_parameters)

    def searcher(self, *, exact: bool | None = None, queries: int = 1,
                 ef: int | None = None) -> nearest.Nearest:
        """What searches all labels.

        exact: True for brute force, False for the HNSW index, None for whichever is quicker
            over this number of ``queries``.
        ef: the width of a search in the index, in the place of the manifest's.

        Raises FolderError as ``check_vectors``.
        """
        if exact or not len(self):
            return self.exact
        if self._hnsw is None:
            size = len(self), self.dimension, queries
            if exact is None and not nearest.index_pays(*size, saved=True):
                return self.exact
            cache = self.index_cache()
            saved = cache.path is not None
            if exact is None and not nearest.index_pays(*size, saved=saved):
                return self.exact
            if not saved:  # no index is built of vectors that are not sound
                self.check_vectors()
            index = cache.open(self.indexed)
            self._hnsw = self.taught.beside(index, self.vectors) if self.taught else index
        return self._hnsw.with_ef(ef) if ef else self._hnsw

    def search(self, embeddings: "NDArray[np.float32]", k: int = 10, *,
               exact: bool | None = None) -> "tuple[list[list[str]], NDArray[np.float32]]":
        """The ids and the inner products, ``[n, k]`` each, of the k labels nearest to each of
        the unit embeddings ``[n, D]``, best first."""
        rows, scores = self.searcher(exact=exact, queries=len(embeddings)).search(embeddings, k)
        return [[self.label(row).id for row in line] for line in rows.tolist()], scores

    def subset(self, rows: Iterable[int], *, prior: bool = True,
               phrases: "Mapping[str, NDArray[np.float32]] | None" = None,
               taken: "Sequence[Taken]" = ()) -> "Subset":
        """The search over these rows alone, exact; without the label prior if so asked.

        phrases: candidates beside the rows, with their label vectors, float32 ``[D]``.
        taken: the user's words for them.

        A prior toward usual labels helps where all labels compete and hurts among a few that the
        user has chosen, so it can be left out. Phrases never have one.
        """
        phrases = phrases or {}
        chosen = np.array(sorted(set(rows)), dtype=np.int64)
        of_rows = nearest.as_float32(self.vectors[chosen])  # a copy
        self.check_vectors(chosen, of_rows)
        of_phrases = np.array([*phrases.values()], np.float32).reshape(-1, self.dimension)
        if self.prior_dimension is not None:
            of_phrases[:, self.prior_dimension] = 0.0
            if not prior:
                of_rows[:, self.prior_dimension] = 0.0
        vectors = np.concatenate([of_rows, of_phrases]) if phrases else of_rows
        return Subset(self.label, len(self), chosen, vectors, tuple(phrases), taken, prior=prior,
                      seconds=self.taught.seconds.among(chosen) if self.taught else None)
