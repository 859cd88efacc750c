"""What model and vocabulary folders share: a manifest, the hashes of the files, a place to look.

A folder holds one JSON manifest (``model.json`` or ``vocabulary.json``) that names every other
file with its SHA-256 and its size, so that a changed or half-copied file is never used.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zsl_cli.errors import FolderError
from zsl_cli.support import files

FORMAT = 1

LABEL_ENCODER_FILE = "label_encoder.onnx"
TOKENIZER_FILE = "tokenizer.json"
"""The two files of a model folder, there or not there together, that turn phrases into label
vectors; the manifest's ``text`` says how they were meant to be used."""


@dataclass(frozen=True)
class Kind:
    """One of the two sorts of folder: what it is called, where it lies, what it must hold."""

    noun: str
    plural: str
    parent: str
    manifest: str
    keys: tuple[str, ...]


MODEL = Kind("model", "models", "models", "model.json",
             ("name", "version", "space", "dimension", "input", "files"))
VOCABULARY = Kind("vocabulary", "vocabularies", "vocab", "vocabulary.json",
                  ("name", "version", "space", "dimension", "labels", "files"))


def sha256(path: Path) -> str:
    """The hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def homes(kind: Kind) -> list[Path]:
    """The folders in which names are looked up, first match first."""
    from platformdirs import user_data_path

    found = []
    if home := os.environ.get("ZSL_HOME"):
        found.append(Path(home) / kind.parent)
    found.append(user_data_path("zsl", appauthor=False) / kind.parent)
    found.append(embedded(kind))
    return found


def embedded(kind: Kind) -> Path:
    """Where the folders that come with zsl lie: inside an installed package, or beside
    ``zsl_cli/`` in a source tree."""
    package = Path(__file__).parents[1]
    installed = package / "embedded" / kind.parent
    return installed if installed.is_dir() else package.parent / kind.parent


def find(kind: Kind, name: str | os.PathLike[str]) -> Path:
    """The folder that a path or a name stands for.

    Raises FolderError, with the names that do exist, when there is none.
    """
    path = Path(name)
    if isinstance(name, str) and path.name == name and name not in ("", ".", ".."):
        for home in homes(kind):  # first, so that no folder in the way shadows a known name
            if (home / name / kind.manifest).is_file():
                return home / name
    if (path / kind.manifest).is_file():
        return path
    if path.is_dir():
        raise FolderError(f"{path}: no {kind.manifest} in this folder, so it is no {kind.noun}")
    known = ", ".join(sorted({folder.name for folder in available(kind)})) or "none"
    raise FolderError(f"no {kind.noun} called {str(name)!r}; known {kind.plural}: {known} "
                      f"(or give the path of a folder with a {kind.manifest})")


def available(kind: Kind) -> list[Path]:
    """Every folder of this kind that a name can reach, in the order of the look-up."""
    found: dict[str, Path] = {}
    for home in homes(kind):
        if home.is_dir():
            for folder in sorted(home.iterdir()):
                if (folder / kind.manifest).is_file():
                    found.setdefault(folder.name, folder)
    return list(found.values())


def read_manifest(kind: Kind, folder: Path) -> dict[str, Any]:
    """The manifest as a dictionary; FolderError when it is unreadable or lacks a key."""
    path = folder / kind.manifest
    try:
        manifest = json.loads(path.read_bytes())
    except OSError as error:
        raise FolderError(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise FolderError(f"{path}: not valid JSON ({error})") from error
    missing = [key for key in ("format", *kind.keys)
               if not isinstance(manifest, dict) or key not in manifest]
    if missing:
        raise FolderError(f"{path}: lacks {', '.join(missing)}")
    if manifest["format"] != FORMAT:
        raise FolderError(f"{path}: format {manifest['format']!r}, and this version of zsl "
                          f"reads format {FORMAT}")
    if not isinstance(manifest["files"], dict) or not all(
            isinstance(entry, dict) and {"sha256", "bytes"} <= entry.keys() and _is_plain(name)
            for name, entry in manifest["files"].items()):
        raise FolderError(f"{path}: \"files\" must give the sha256 and bytes of plain file names")
    problem = _wrong_value(kind, manifest) or (_wrong_text(manifest) if kind is MODEL else None)
    if problem:
        raise FolderError(f"{path}: {problem}")
    return manifest


def _wrong_value(kind: Kind, manifest: dict[str, Any]) -> str | None:
    """What is wrong with one of the values that the code relies on."""
    for key in ("name", "space"):
        if not isinstance(manifest[key], str):
            return f"{key} {manifest[key]!r} is not a text"
    for key in [key for key in kind.keys if key in ("dimension", "labels")]:
        if type(manifest[key]) is not int or manifest[key] < 1:  # True, too, is an int
            return f"{key} {manifest[key]!r} is not a whole number above 0"
    prior = manifest.get("prior_dimension")
    if prior is not None and (type(prior) is not int or not 1 <= prior < manifest["dimension"]):
        return (f"prior_dimension {prior!r} is not a whole number from 1 to "
                f"{manifest['dimension'] - 1}: the dimensions before it are what labels mean")
    return None


def _wrong_text(manifest: dict[str, Any]) -> str | None:
    """What is wrong with what a model's manifest says of its label encoder."""
    there = {LABEL_ENCODER_FILE in manifest["files"], TOKENIZER_FILE in manifest["files"],
             "text" in manifest}
    if len(there) > 1:
        return (f"{LABEL_ENCODER_FILE}, {TOKENIZER_FILE} (in \"files\") and \"text\" belong "
                "together, and not all are there")
    if "text" not in manifest:
        return None
    text = manifest["text"]
    templates = text.get("templates") if isinstance(text, dict) else None
    if not isinstance(templates, list):
        return "text: a list, templates, is expected"
    for template in templates:
        if not isinstance(template, str) or not re.fullmatch(r"[^{}]*\{\}[^{}]*", template):
            return f"text: template {template!r} is not a text with one {{}} in it"
    return None


def encodes_phrases(manifest: dict[str, Any]) -> bool:
    """Whether a model's manifest says that the folder has a label encoder."""
    return LABEL_ENCODER_FILE in manifest["files"]


def _is_plain(name: str) -> bool:
    """Whether a manifest's file name stays inside the folder."""
    return name == os.path.basename(name) and name not in ("", ".", "..")


def check_file(folder: Path, name: str, manifest: dict[str, Any]) -> None:
    """Raise FolderError unless ``name`` has the size and the SHA-256 that the manifest gives."""
    path = folder / name
    entry = manifest["files"].get(name)
    if entry is None:
        raise FolderError(f"{path}: not listed in the manifest")
    try:
        same = path.stat().st_size == entry["bytes"] and sha256(path) == entry["sha256"]
    except OSError as error:
        raise FolderError(f"{path}: {error.strerror}") from error
    if not same:
        raise FolderError(f"{path}: changed since it was written (its SHA-256 is not the "
                          f"manifest's); install or build {folder.name!r} again")


def describe_files(folder: Path, *names: str) -> dict[str, dict[str, Any]]:
    """The manifest's ``files`` entry for these files of a folder."""
    return {name: {"sha256": sha256(folder / name), "bytes": (folder / name).stat().st_size}
            for name in names}


def write_manifest(kind: Kind, folder: Path, manifest: dict[str, Any]) -> None:
    """Write a manifest as indented UTF-8 JSON, the format's number first. The bytes of a name that
    is not UTF-8 become ``\\udcXX`` escapes, from which they come back."""
    text = json.dumps({"format": FORMAT, **manifest}, indent=2, ensure_ascii=False) + "\n"
    (folder / kind.manifest).write_bytes(text.encode("utf-8", "backslashreplace"))


def check_target(target: Path, *, force: bool) -> None:
    """Raise FolderError unless a folder may be written here: there is nothing yet, or an empty
    folder, or with ``force`` a model or a vocabulary, and not the one that we stand in."""
    if not target.absolute().name:
        raise FolderError(f"{target}: the root of the file system; name a folder")
    above = next(parent for parent in target.absolute().parents if os.path.lexists(parent))
    if not above.is_dir():
        raise FolderError(f"{target}: {above} is no folder, so that nothing can be written in it")
    if not target.exists() and not target.is_symlink():
        return
    ours = any((target / kind.manifest).is_file() for kind in (MODEL, VOCABULARY))
    if not target.is_dir() or target.is_symlink() or not (ours or not any(target.iterdir())):
        raise FolderError(f"{target} exists and is no model or vocabulary folder, and --force "
                          "replaces nothing else; remove it yourself, or name another")
    if ours and not force:
        raise FolderError(f"{target} exists; give --force to replace it")
    if Path.cwd().is_relative_to(target.resolve()):
        raise FolderError(f"{target} is the current folder; name another")


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
