"""What a taught vocabulary has learnt."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.errors import FolderError
from zsl_cli.photos.teaching.workshop import MINE, of_name
from zsl_cli.support import folders
from zsl_cli.support.names import Name
from zsl_cli.vocabulary.taught import folder as taught_folder
from zsl_cli.vocabulary.taught.additions import Definitions
from zsl_cli.vocabulary.taught.folder import Contents

if TYPE_CHECKING:
    from zsl_cli.support.manifests import VocabularyManifest
    from zsl_cli.vocabulary.taught.lessons import Lesson


@dataclass(frozen=True)
class TaughtLabel:
    """A label and its lessons. is_new: whether it is none of the base; synonyms: further names that
    it was given."""

    id: str
    name: str
    is_new: bool
    synonyms: tuple[str, ...]
    lessons: "tuple[Lesson, ...]"


@dataclass(frozen=True)
class Overview:
    """What a taught vocabulary has learnt.

    base_state: what became of the base: ``same``, ``changed`` or ``gone``.
    """

    folder: Path
    name: str
    base: str
    base_state: str
    model: str
    labels: tuple[TaughtLabel, ...]
    lessons: int


def overview(name: Name = MINE) -> Overview:
    """What a taught vocabulary has learnt. Raises ZslError."""
    folder, manifest = of_name(name)
    contents = Contents.read(folder, manifest)
    of: dict[str, list[Lesson]] = {label.id: [] for label in contents.definitions.labels}
    of |= {id_: [] for id_ in contents.definitions.synonyms}
    for lesson in contents.lessons:
        of.setdefault(lesson.label, []).append(lesson)
    names = names_of(folder, of, contents.definitions)
    new = {label.id: label for label in contents.definitions.labels}
    labels = [TaughtLabel(id_, names.get(id_, id_), id_ in new,
                          new[id_].synonyms if id_ in new else
                          contents.definitions.synonyms.get(id_, ()), tuple(lessons))
              for id_, lessons in of.items()]
    return Overview(folder, manifest.name, contents.base, base_state(manifest), contents.model,
                    tuple(sorted(labels, key=lambda one: one.name.casefold())),
                    len(contents.lessons))


def names_of(folder: Path, ids: Iterable[str],
             definitions: Definitions) -> dict[str, str]:
    """The names of labels, without parsing all of a vocabulary."""
    from zsl_cli.vocabulary.names.label import LABELS_FILE, Label

    names = {label.id: label.name for label in definitions.labels}
    wanted = {id_.encode() for id_ in ids if id_ not in names}
    for line in (folder / LABELS_FILE).read_bytes().splitlines() if wanted else ():
        start = line.find(b'"id": "') + 7
        if line[start:line.find(b'"', start)] in wanted:
            label = Label.from_json(line)
            names[label.id] = label.name
    return names


def base_state(manifest: "VocabularyManifest") -> str:
    """Whether the base of a taught vocabulary is the ``same``, has ``changed`` or is ``gone``."""
    assert manifest.taught is not None
    try:
        base = folders.find(folders.VOCABULARY, manifest.taught.base)
        found = folders.read_manifest(folders.VOCABULARY, base)
    except FolderError:
        return "gone"
    return "same" if taught_folder.digest(found) == manifest.taught.base_digest else "changed"
