"""What ``names.json`` says, as a dataclass (see ``manifests``)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from zsl_cli.errors import FolderError
from zsl_cli.support import languages, sources
from zsl_cli.support.manifests import Entries, FileEntry, check_count, check_entries, files_of

NAMES_FILE = "names.jsonl"
"""In a folder of names: a synset a line."""


@dataclass(frozen=True)
class NamesManifest:
    """What a folder of names in one language says of itself.

    language: of BCP 47; iso639_3: three letters.
    synsets: how many have a name. names: how many names these have.
    files, sources, entries: see Manifest.
    """

    name: str
    version: str
    language: str
    iso639_3: str
    synsets: int
    names: int
    files: Mapping[str, FileEntry]
    sources: tuple[dict[str, str], ...] = ()
    entries: Entries = field(default_factory=dict, repr=False)

    @classmethod
    def from_entries(cls, entries: Entries, path: Path) -> Self:
        """See FolderManifest."""
        texts = ("name", "language", "iso639_3")
        check_entries(entries, path, (*texts, "version", "synsets", "names", "files"), texts=texts)
        for key in ("synsets", "names"):
            check_count(path, entries, key)
        if languages.language(entries["language"]) is None:
            raise FolderError(f"{path}: language {entries['language']!r} is not the code of one")
        return cls(entries["name"], str(entries["version"]), entries["language"],
                   entries["iso639_3"], entries["synsets"], entries["names"],
                   files_of(entries["files"], path), sources.completed(entries.get("sources")),
                   entries)
