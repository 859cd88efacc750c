"""What labels are called in another language: a folder of names.

A vocabulary that has a ``LanguageNames`` finds labels by its names, and its ``name_of`` says what
one is called. Ids and labels stay what they are, so that what is stored does not depend on the
language: what is printed and written goes through ``spoken``.
"""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

from zsl_cli.errors import FolderError, RequestError
from zsl_cli.support import folders, languages
from zsl_cli.support.names_manifest import NAMES_FILE, NamesManifest
from zsl_cli.support.wording import listed
from zsl_cli.vocabulary.names.label import Label, normal_name

_SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "æ": "ae", "ø": "oe", "å": "aa",
                            "œ": "oe"})


class LanguageNames:
    """The names of labels in one language, by id, the one that people use first."""

    def __init__(self, manifest: NamesManifest, names: Mapping[str, tuple[str, ...]]) -> None:
        self.manifest = manifest
        self._names = names
        self._shared: frozenset[str] | None = None
        known = languages.language(manifest.language)
        self.language = known.name if known else manifest.language
        """What it is called in English."""

    @classmethod
    def load(cls, language: str | os.PathLike[str]) -> "LanguageNames | None":
        """The names of a language by its code, or those in a folder; None for English where there
        is no folder, since labels have English names. Raises FolderError."""
        folder = find(language)
        if folder is None:
            return None
        manifest = folders.read_manifest(folders.NAMES, folder)
        names = {}
        content = folders.read_file(folder, NAMES_FILE, manifest)
        for number, line in enumerate(content.splitlines(), start=1):
            try:
                label = Label.from_json(line)
            except ValueError as error:
                raise FolderError(f"{folder / NAMES_FILE}, line {number}: {error}") from error
            names[label.id] = (label.name, *label.synonyms)
        return cls(manifest, names)

    @property
    def digest(self) -> str:
        """The SHA-256 of the names."""
        return self.manifest.files[NAMES_FILE].sha256

    def __contains__(self, id_: object) -> bool:
        return id_ in self._names

    def name_of(self, label: Label) -> str:
        """What a label is called: the first of its names, or else the English word for it."""
        names = self._names.get(label.id)
        return names[0] if names else label.word

    def names_of(self, id_: str) -> tuple[str, ...]:
        """All names of a label; there may be none."""
        return self._names.get(id_, ())

    def shared_names(self, labels: Iterable[Label]) -> frozenset[str]:
        """What several labels of the vocabulary that has this language are called, as names are
        compared."""
        if self._shared is None:
            called = Counter(normal_name(self.name_of(label)) for label in labels)
            self._shared = frozenset(name for name, number in called.items() if number > 1)
        return self._shared

    @property
    def all_names(self) -> list[str]:
        """Every name, as names are compared."""
        return list(self._ids)

    def ids(self, text: str) -> list[str]:
        """The ids that a text can mean, those first of which it is the first name. How it is
        composed, its case, underscores and white space do not count (``normal_name``)."""
        return self._ids.get(normal_name(text), [])

    def ids_nearly(self, text: str) -> list[str]:
        """The same without regard to accents and hyphens, with ae for ä and so on, as it is written
        where keys for them are missing."""
        return [id_ for name in self._plain.get(_plain(normal_name(text)), ())
                for id_ in self._ids[name]]

    @cached_property
    def _ids(self) -> dict[str, list[str]]:
        ids: dict[str, list[str]] = {}
        for id_, (first, *_) in self._names.items():
            ids.setdefault(normal_name(first), []).append(id_)
        for id_, (_, *others) in self._names.items():
            for other in map(normal_name, others):
                if id_ not in (meant := ids.setdefault(other, [])):
                    meant.append(id_)
        return ids

    @cached_property
    def _plain(self) -> dict[str, list[str]]:
        """The names as they are compared, by how they are spelt without accents."""
        plain: dict[str, list[str]] = {}
        for name in self._ids:
            for spelling in dict.fromkeys((_plain(name), _plain(name.translate(_SPELT_OUT)))):
                plain.setdefault(spelling, []).append(name)
        return plain


def _plain(name: str) -> str:
    """A name without marks on its letters, and with blanks for hyphens."""
    apart = unicodedata.normalize("NFD", name)
    return "".join(one for one in apart if not unicodedata.combining(one)).replace("-", " ")


def find(language: str | os.PathLike[str]) -> Path | None:
    """The folder of names of a language, or the folder that was named; None for English without
    one. Raises FolderError."""
    known = languages.language(language) if isinstance(language, str) else None
    if known is not None:
        for name in dict.fromkeys((str(language), known.tag, known.iso639_3)):
            for home in folders.homes(folders.NAMES):
                if (home / name / folders.NAMES.file).is_file():
                    return home / name
    folder = Path(language)
    if (folder / folders.NAMES.file).is_file():
        return folder
    if folder.is_dir():
        raise FolderError(f"{folder}: no {folders.NAMES.file} in this folder, so it has no names "
                          "of labels")
    if known is not None and known.tag == "en":
        return None
    there = listed([one.name for one in folders.available(folders.NAMES)]) or "none"
    what = (f"no names in {known.name} ({known.tag}) are installed" if known else
            f"language {str(language)!r} is neither the code of one, such as de or deu, nor a "
            "folder of names")
    raise FolderError(f"{what}; zsl vocab names makes them of a wordnet of the language, such as "
                      f"those of the Open Multilingual Wordnet; languages with names: {there}")


def check_language(language: object) -> None:
    """Raise RequestError unless this is a code, a path or None."""
    if language is not None and not (isinstance(language, str | os.PathLike)
                                     and str(language).strip()):
        raise RequestError(f"`language` takes the code of a language or a folder of names, not "
                           f"{language!r}")
