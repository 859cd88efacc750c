"""Workshop: a taught vocabulary, or the base that one is to be made over, opened to be changed."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from zsl_cli.classifier import pairing
from zsl_cli.classifier.corrections import Examples, derive
from zsl_cli.classifier.corrections.examples import Base, Surroundings
from zsl_cli.errors import FolderError, MismatchError, ZslError
from zsl_cli.support import folders
from zsl_cli.support.calibration import Calibration, ConfidenceRule
from zsl_cli.support.manifests import ModelManifest, VocabularyManifest
from zsl_cli.support.names import Name
from zsl_cli.vocabulary.beside import Beside
from zsl_cli.vocabulary.search.nearest import as_float32
from zsl_cli.vocabulary.taught import folder as taught_folder
from zsl_cli.vocabulary.taught.folder import Contents, Vectors
from zsl_cli.vocabulary.vocabulary import Vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.classifier.corrections.derive import Derived
    from zsl_cli.vocabulary.hierarchy.hypernyms import Hierarchy
    from zsl_cli.vocabulary.names.label import Label
    from zsl_cli.vocabulary.taught.additions import Definitions
    from zsl_cli.vocabulary.taught.lessons import Lesson

MINE = "mine"
"""What a taught vocabulary is called, unless it is called something else."""


@dataclass(frozen=True)
class Place:
    """Where a taught vocabulary lies or will lie.

    manifest: its own, None where it is to be made. base: the folder of the base and its manifest,
        where it is to be made.
    """

    target: Path
    name: str
    model: Path
    model_manifest: ModelManifest
    manifest: VocabularyManifest | None
    base: tuple[Path, VocabularyManifest] | None
    base_name: str

    @classmethod
    def find(cls, model: Name, vocabulary: Name | None, into: Name | None) -> Self:
        """For a model, a base, and the name or folder of the taught vocabulary.

        A base that is itself taught is the one that learns. Raises ZslError.
        """
        folder = folders.find(folders.MODEL, model)
        of_model = folders.read_manifest(folders.MODEL, folder)
        base = pairing.vocabulary_for(folder, of_model, vocabulary)
        of_base = None if base is None else folders.read_manifest(folders.VOCABULARY, base)
        target = target_of(MINE if into is None else into)
        if of_base is not None and of_base.taught is not None and base is not None:
            if into is not None and not _same(base, target):
                if vocabulary is None:  # it is only in use
                    return cls.find(model, of_base.taught.base, into)
                raise ZslError(f"{base.name!r} is itself taught over {of_base.taught.base!r}; "
                               "teach it, or make another over that (`vocabulary`)")
            return cls(base, folders.name_of(base), folder, of_model, of_base, None,
                       of_base.taught.base)
        if (target / folders.VOCABULARY.file).is_file():
            return cls._existing(target, folder, of_model, vocabulary, of_base)
        if base is None or of_base is None:
            raise ZslError(f"no vocabulary fits model {of_model.name!r}, so there is none to "
                           "teach; zsl vocab encode makes one of a list of labels")
        return cls(target, folders.name_of(target), folder, of_model, None, (base, of_base),
                   name_of(base))

    @classmethod
    def _existing(cls, target: Path, folder: Path, of_model: ModelManifest,
                  vocabulary: Name | None, of_base: VocabularyManifest | None) -> Self:
        manifest = folders.read_manifest(folders.VOCABULARY, target)
        if manifest.taught is None:
            raise ZslError(f"{target} is a vocabulary that was not made by teaching; name another "
                           "one to teach (`into`)")
        if not of_model.fits(manifest):
            raise MismatchError(
                f"{manifest.name!r} was taught with model {manifest.taught.model!r}, and model "
                f"{of_model.name!r} has another space; teach another vocabulary (`into`), or have "
                "zsl lessons rebuild take the lessons over")
        if vocabulary is not None and of_base is not None and (
                taught_folder.digest(of_base) != manifest.taught.base_digest):
            raise ZslError(f"{manifest.name!r} is made over {manifest.taught.base!r} as it was "
                           f"then, and not over {str(vocabulary)!r} as it is now; teach another "
                           "one (`into`), or have zsl lessons rebuild take the lessons over")
        return cls(target, folders.name_of(target), folder, of_model, manifest, None,
                   manifest.taught.base)

    def again(self) -> Self:
        """The same place as it is now, since another process may have been there."""
        if not (self.target / folders.VOCABULARY.file).is_file():
            return self
        manifest = folders.read_manifest(folders.VOCABULARY, self.target)
        if manifest.taught is None:
            raise FolderError(f"{self.target} is no taught vocabulary any more")
        return replace(self, manifest=manifest, base=None)

    def write(self, contents: Contents, derived: "Derived") -> None:
        """Write what was taught and what follows from it, into a new folder if there is none.
        Raises ZslError."""
        if self.manifest is not None:
            taught_folder.change(self.target, self.manifest, contents, vectors_of(derived))
        else:
            assert self.base is not None
            taught_folder.create(self.target, self.name, *self.base, contents,
                                 vectors_of(derived))


def target_of(into: Name) -> Path:
    """The folder of a taught vocabulary, by its name or as a folder. Raises ZslError."""
    path = Path(into)
    if isinstance(into, str) and path.name == into and into not in ("", ".", ".."):
        found = [home / into for home in folders.homes(folders.VOCABULARY)]
        known = next((one for one in found if (one / folders.VOCABULARY.file).is_file()), None)
        if known is not None and known.parent == folders.embedded(folders.VOCABULARY):
            raise ZslError(f"{into!r} comes with zsl and cannot be taught itself; teach one over "
                           f"it, such as {MINE!r} (`into`)")
        return known or found[0]
    return path


def of_name(name: Name) -> tuple[Path, VocabularyManifest]:
    """The folder of a taught vocabulary that is there, and its manifest. Raises ZslError."""
    folder = folders.find(folders.VOCABULARY, name)
    manifest = folders.read_manifest(folders.VOCABULARY, folder)
    if manifest.taught is None:
        raise ZslError(f"{str(name)!r} is no taught vocabulary: it has no lessons; zsl teach makes "
                       "one")
    return folder, manifest


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def name_of(folder: Path) -> str:
    """By what a model or vocabulary is found again: its name if that reaches it, or its path."""
    reachable = any(folder.parent in folders.homes(kind) for kind in folders.KINDS)
    return folder.name if reachable else str(folder.absolute())


class Workshop:
    """A vocabulary, what was taught to it, and what follows from what is taught to it now."""

    def __init__(self, folder: Path, contents: Contents, model: ModelManifest | None) -> None:
        """
        folder: of the taught vocabulary, or of the base of one that has no ``contents`` yet.
        model: whose numbers count; without one those that a model has which says nothing.

        Raises FolderError.
        """
        self.vocabulary = Vocabulary.load(folder)
        self.contents = contents
        self.temperature = (Calibration() if model is None else model.calibration).temperature
        self._confidence = ConfidenceRule() if model is None else model.confidence
        self._hierarchy: tuple[tuple[Label, ...], Hierarchy] | None = None

    @cached_property
    def base_vectors(self) -> "NDArray[np.float32]":
        """float32 ``[N, D]``."""
        return as_float32(self.vocabulary.indexed)

    def rows(self, definitions: "Definitions") -> dict[str, int]:
        """Of each id of the base and of these definitions."""
        number = len(self.base_vectors)
        new = {label.id: number + at for at, label in enumerate(definitions.labels)}
        return self._base_rows | new if new else self._base_rows

    @cached_property
    def _base_rows(self) -> dict[str, int]:
        number = len(self.base_vectors)
        return {id_: row for id_, row in self.vocabulary.rows.items() if row < number}

    def base(self, contents: Contents) -> Base:
        """What learns."""
        rows = self.rows(contents.definitions)
        centre = contents.centre
        width = self.vocabulary.prior_dimension
        return Base(self.base_vectors, width,
                    [[rows[one] for one in label.parents if one in rows]
                     for label in contents.definitions.labels],
                    None if centre is None else centre[:width], self._surroundings)

    @cached_property
    def _surroundings(self) -> Surroundings | None:
        """The base's own vectors of what stands beside other things."""
        vocabulary, rule = self.vocabulary, self._confidence
        if vocabulary.path is None or not vocabulary.manifest.beside:
            return None
        beside = Beside.load(vocabulary.path, vocabulary.manifest)
        return Surroundings(beside.rows, as_float32(beside.vectors),
                            self.temperature / rule.beside_slope, rule.beside_offset)

    def usable(self, contents: Contents) -> "list[Lesson]":
        """The lessons that something follows from: of this space, and of labels that are there."""
        rows = self.rows(contents.definitions)
        vocabulary = self.vocabulary
        return [lesson for lesson in contents.lessons
                if lesson.space == vocabulary.space and lesson.label in rows
                and len(lesson.embedding) == vocabulary.dimension]

    def examples(self, contents: Contents, lessons: "Sequence[Lesson]") -> Examples:
        """The lessons as arrays."""
        rows = self.rows(contents.definitions)
        return Examples(
            np.array([lesson.embedding for lesson in lessons], np.float32).reshape(
                -1, self.vocabulary.dimension),
            np.array([rows[lesson.label] for lesson in lessons], np.int64),
            np.array([lesson.shows for lesson in lessons], bool))

    def derived(self, contents: Contents) -> "tuple[Derived, Examples]":
        """What follows from contents, and the examples that it follows from."""
        examples = self.examples(contents, self.usable(contents))
        return derive(self.base(contents), examples, temperature=self.temperature,
                      below=self.below(contents)), examples

    def below(self, contents: Contents) -> Callable[[int], Iterable[int]]:
        """What gives the rows under a label."""
        return lambda row: self.hierarchy(contents.definitions).descendants(row)

    def hierarchy(self, definitions: "Definitions") -> "Hierarchy":
        """The hierarchy of the base with the labels of these definitions."""
        taught = self.vocabulary.taught
        if definitions.labels == (taught.definitions.labels if taught else ()):
            return self.vocabulary.hierarchy
        if self._hierarchy is None or self._hierarchy[0] != definitions.labels:
            from zsl_cli.vocabulary.hierarchy.hypernyms import Hierarchy

            labels = self.labels(definitions)
            self._hierarchy = definitions.labels, Hierarchy(
                [label.id for label in labels], [label.parents for label in labels])
        return self._hierarchy[1]

    def labels(self, definitions: "Definitions") -> "list[Label]":
        """All labels of the base, and those of these definitions."""
        return [*self.vocabulary.labels[:len(self.base_vectors)], *definitions.labels]


def vectors_of(derived: "Derived") -> Vectors:
    """As they are written."""
    return Vectors(derived.rows, derived.vectors, derived.second_rows, derived.second,
                   derived.beside_rows, derived.beside)
