"""What folders of models, vocabularies and names share: a manifest, the hashes of the files, a
place to look.

A folder holds one JSON manifest (``model.json``, ``vocabulary.json`` or ``names.json``) that names
every other file with its SHA-256 and its size, so that a changed or half-copied file is never used.
"""

import hashlib
import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from zsl_cli.errors import FolderError
from zsl_cli.support import files
from zsl_cli.support.manifests import (
    FORMAT,
    Entries,
    FileEntry,
    FolderManifest,
    Manifest,
    ModelManifest,
    VocabularyManifest,
)
from zsl_cli.support.names_manifest import NamesManifest

M_co = TypeVar("M_co", bound=FolderManifest, covariant=True)
M = TypeVar("M", bound=FolderManifest)


@dataclass(frozen=True)
class Kind(Generic[M_co]):
    """One of the sorts of folder: what it is called, where it lies, what its manifest is
    called and holds."""

    noun: str
    plural: str
    parent: str
    file: str
    manifest: type[M_co]


MODEL = Kind("model", "models", "models", "model.json", ModelManifest)
VOCABULARY = Kind("vocabulary", "vocabularies", "vocab", "vocabulary.json", VocabularyManifest)
NAMES = Kind("folder of names", "languages", "names", "names.json", NamesManifest)
_LARGEST = 1 << 24
"""Bytes of a manifest, which are thousands."""

KINDS: tuple[Kind[Manifest], ...] = (MODEL, VOCABULARY)
"""Those with vectors, which a command can show."""


def sha256(path: Path) -> str:
    """The hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def name_of(path: Path) -> str:
    """What a folder or a file is called, ``.`` too; a link by its own name, not its target's."""
    return os.path.basename(os.path.abspath(path))


def homes(kind: Kind[FolderManifest]) -> list[Path]:
    """The folders in which names are looked up, first match first."""
    from platformdirs import user_data_path

    places = []
    if home := os.environ.get("ZSL_HOME"):
        places.append(Path(home) / kind.parent)
    places.append(user_data_path("zsl", appauthor=False) / kind.parent)
    if kind in KINDS:  # no names come with zsl
        places.append(embedded(kind))
    return places


def embedded(kind: Kind[FolderManifest]) -> Path:
    """Where the folders that come with zsl lie: inside an installed package, or beside
    ``zsl_cli/`` in a source tree."""
    package = Path(__file__).parents[1]
    installed = package / "embedded" / kind.parent
    return installed if installed.is_dir() else package.parent / kind.parent


def find(kind: Kind[FolderManifest], name: str | os.PathLike[str]) -> Path:
    """The folder that a path or a name stands for.

    Raises FolderError, with the names that do exist, when there is none.
    """
    path = Path(name)
    if isinstance(name, str) and path.name == name and name not in ("", ".", ".."):
        for home in homes(kind):  # first, so that no folder in the way shadows a known name
            if (home / name / kind.file).is_file():
                return home / name
    if (path / kind.file).is_file():
        return path
    if path.is_dir():
        raise FolderError(f"{path}: no {kind.file} in this folder, so it is no {kind.noun}")
    known = ", ".join(sorted({folder.name for folder in available(kind)})) or "none"
    raise FolderError(f"no {kind.noun} called {str(name)!r}; known {kind.plural}: {known} "
                      f"(or give the path of a folder with a {kind.file})")


def available(kind: Kind[FolderManifest]) -> list[Path]:
    """Every folder of this kind that a name can reach, in the order of the look-up."""
    reachable: dict[str, Path] = {}
    for home in homes(kind):
        if home.is_dir():
            for folder in sorted(home.iterdir()):
                if (folder / kind.file).is_file():
                    reachable.setdefault(folder.name, folder)
    return list(reachable.values())


def read_manifest(kind: Kind[M], folder: Path) -> M:
    """The manifest of a folder; FolderError when it is unreadable, lacks an entry, or has one
    that is not what it should be."""
    path = folder / kind.file
    try:
        if path.stat().st_size > _LARGEST:
            raise FolderError(f"{path}: too large for a manifest")
        entries = json.loads(path.read_bytes(), object_pairs_hook=_object)
    except OSError as error:
        raise FolderError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise FolderError(f"{path}: not valid JSON ({error})") from error
    return kind.manifest.from_entries(entries if isinstance(entries, dict) else {}, path)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object; of two entries of one name nobody could say which counts."""
    entries = dict(pairs)
    if len(entries) != len(pairs):
        raise ValueError("an object with two entries of one name")
    return entries


def read_file(folder: Path, name: str, manifest: FolderManifest) -> bytes:
    """The bytes of a file that has the size and the SHA-256 of the manifest: what is compared is
    what is used. Raises FolderError."""
    path, entry = _listed(folder, name, manifest)
    try:
        content = path.read_bytes() if _is_of_size(path, entry) else b""
    except OSError as error:
        raise FolderError(f"{path}: {error.strerror}") from error
    if len(content) != entry.bytes or hashlib.sha256(content).hexdigest() != entry.sha256:
        raise _changed(path)
    return content


def check_file(folder: Path, name: str, manifest: FolderManifest) -> None:
    """Raise FolderError unless ``name`` has the size and the SHA-256 that the manifest gives."""
    path, entry = _listed(folder, name, manifest)
    try:
        same = _is_of_size(path, entry) and sha256(path) == entry.sha256
    except OSError as error:
        raise FolderError(f"{path}: {error.strerror}") from error
    if not same:
        raise _changed(path)


def _listed(folder: Path, name: str, manifest: FolderManifest) -> tuple[Path, FileEntry]:
    entry = manifest.files.get(name)
    if entry is None:
        raise FolderError(f"{folder / name}: not listed in the manifest")
    return folder / name, entry


def _is_of_size(path: Path, entry: FileEntry) -> bool:
    """Whether it may be what the manifest says; a pipe would be waited for."""
    status = path.stat()
    return stat.S_ISREG(status.st_mode) and status.st_size == entry.bytes


def _changed(path: Path) -> FolderError:
    return FolderError(f"{path}: changed since it was written (its SHA-256 is not the "
                       f"manifest's); install or build {path.parent.name!r} again")


def describe_files(folder: Path, *names: str) -> dict[str, dict[str, Any]]:
    """The manifest's ``files`` entry for these files of a folder."""
    return {name: {"sha256": sha256(folder / name), "bytes": (folder / name).stat().st_size}
            for name in names}


def write_manifest(kind: Kind[FolderManifest], folder: Path, entries: Entries) -> None:
    """Write a manifest into a folder that is being made (see ``manifest_bytes``)."""
    (folder / kind.file).write_bytes(manifest_bytes(entries))


def manifest_bytes(entries: Entries) -> bytes:
    """A manifest as indented UTF-8 JSON, the format's number first. The bytes of a name that is
    not UTF-8 become ``\\udcXX`` escapes, from which they come back."""
    text = json.dumps({"format": FORMAT, **entries}, indent=2, ensure_ascii=False) + "\n"
    return text.encode("utf-8", "backslashreplace")


def check_target(target: Path, *, force: bool, reads: Iterable[object] = ()) -> None:
    """Raise FolderError unless a folder may be written here: there is nothing yet, or an empty
    folder, or with ``force`` one that zsl has made, and not the one that we stand in, nor one
    that holds what is to be read (see ``check_apart``)."""
    if not name_of(target):
        raise FolderError(f"{target}: the root of the file system; name a folder")
    above = next(parent for parent in target.absolute().parents if os.path.lexists(parent))
    if not above.is_dir():
        raise FolderError(f"{target}: {above} is no folder, so that nothing can be written in it")
    if not target.exists() and not target.is_symlink():
        return
    ours = any((target / file).is_file() for file in (*(kind.file for kind in KINDS), NAMES.file))
    if not target.is_dir() or target.is_symlink() or not (ours or not any(target.iterdir())):
        raise FolderError(f"{target} exists and is no model or vocabulary folder, and "
                          "`force` replaces nothing else; remove it yourself, or name another")
    if ours and not force:
        raise FolderError(f"{target} exists; give `force` to replace it")
    if Path.cwd().is_relative_to(target.resolve()):
        raise FolderError(f"{target} is the current folder; name another")
    check_apart(target, reads)


def check_apart(target: Path, reads: Iterable[object]) -> None:
    """Raise FolderError where one of the paths among ``reads`` is of a folder that is to be
    replaced, and would go with it."""
    for path in (Path(read) for read in reads if isinstance(read, str | os.PathLike)):
        if path.exists() and path.resolve().is_relative_to(target.resolve()):
            raise FolderError(f"{path} lies in {target}, which would be replaced; give another "
                              "`output`")


@contextmanager
def new_folder(target: Path, *, force: bool = False) -> Iterator[Path]:
    """A temporary folder beside ``target`` that takes its place when the block ends well.

    Nothing is left behind when it does not. An existing target needs ``force``.
    """
    import shutil

    check_target(target, force=force)
    work = _beside(target)
    with ExitStack() as stack:
        try:
            stack.enter_context(files.parents(target))
            # Before the folder is there, so that no signal comes in between.
            stack.callback(shutil.rmtree, work, ignore_errors=True)
            work.mkdir(mode=0o700)
        except OSError as error:
            raise FolderError(f"{target}: no folder can be made there ({error.strerror})"
                              ) from error
        yield work
        work.chmod(0o755)
        check_target(target, force=force)  # somebody else may just have been there
        if target.exists():
            _exchange(work, target)
        else:
            work.rename(target)


def _beside(target: Path) -> Path:
    """A name of the same folder that nobody else has."""
    return target.with_name(f".{target.name}-{os.urandom(8).hex()}")


def _exchange(new: Path, target: Path) -> None:
    """Put a folder in another's place, which is removed; or back, when that is broken off."""
    import shutil

    old = _beside(target)
    try:
        target.rename(old)
        new.rename(target)
    except BaseException:
        if not target.exists():
            old.rename(target)
        raise
    shutil.rmtree(old)
