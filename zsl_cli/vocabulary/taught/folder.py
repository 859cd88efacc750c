"""Writing a taught vocabulary: a folder over a base, that changes by one rename.

The files of the base lie in it as they are, so that it works without the base and can be handed on.
What was taught lies in files that are called after their content; the manifest names those that
count, and is renamed into its place last. Whoever is killed before has changed nothing; whoever
reads meanwhile finds the files that his manifest names, since those of the last manifest stay until
the next change.
"""

import hashlib
import io
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.errors import FolderError, ZslError
from zsl_cli.support import files, folders
from zsl_cli.support.manifests import VocabularyManifest
from zsl_cli.support.taught_entry import TaughtEntry
from zsl_cli.vocabulary.taught import lessons as lessons_file
from zsl_cli.vocabulary.taught.additions import Definitions, read_centre, read_definitions
from zsl_cli.vocabulary.taught.lessons import Lesson

if TYPE_CHECKING:
    from numpy.typing import NDArray

WAIT = 30.0
"""Seconds for which one teacher waits for another."""

_OWN = re.compile(r"(definitions|lessons|vectors|centre)-[0-9a-f]{16}\.(jsonl|npy)", re.ASCII)


@dataclass(frozen=True)
class Contents:
    """What a taught vocabulary is made of, and all that follows from it is made of.

    base: the name or folder of the base. model: that of the model of the embeddings.
    centre: float32 ``[D]``, the mean embedding of photos, or None where the space needs none;
        centre_of: of which photos, for people.
    """

    base: str
    model: str
    definitions: Definitions = field(default_factory=Definitions)
    lessons: tuple[Lesson, ...] = ()
    centre: "NDArray[np.float32] | None" = None
    centre_of: str = ""

    @classmethod
    def read(cls, folder: Path, manifest: VocabularyManifest) -> "Contents":
        """Of a taught vocabulary. Raises FolderError."""
        entry = manifest.taught
        if entry is None:
            raise FolderError(f"{folder} is no taught vocabulary")
        return cls(entry.base, entry.model, read_definitions(folder, manifest, entry),
                   tuple(lessons_file.read(folder, manifest)), read_centre(folder, manifest),
                   entry.centre_of)

    def with_lessons(self, added: Sequence[Lesson]) -> "Contents":
        """With more lessons, each in the place of an earlier one of the same photo and label."""
        keys = {lesson.key for lesson in added}
        return replace(self, lessons=(
            *(lesson for lesson in self.lessons if lesson.key not in keys), *added))


@dataclass(frozen=True)
class Vectors:
    """What follows: vectors in the place of the base's and of new labels, and second ones.

    rows, second_rows, beside_rows: rising; float32 ``[m, D]`` each.
    """

    rows: "NDArray[np.int64]"
    vectors: "NDArray[np.float32]"
    second_rows: "NDArray[np.int64]"
    second: "NDArray[np.float32]"
    beside_rows: "NDArray[np.int64]"
    beside: "NDArray[np.float32]"


def digest(manifest: VocabularyManifest) -> str:
    """What tells a base from any other: of the hashes of its files; of a taught vocabulary, that of
    its base."""
    if manifest.taught is not None:
        return manifest.taught.base_digest
    text = "".join(f"{name} {entry.sha256}\n" for name, entry in sorted(manifest.files.items()))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


@contextmanager
def held(target: Path) -> Iterator[None]:
    """Within it no other process changes the taught vocabulary here, or makes one. The lock is an
    empty file beside the folder that stays: whoever removed it could take it from somebody who
    waits for it. Raises ZslError."""
    lock = target.parent / f".{target.name}.lock"
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with files.locked(lock, wait=WAIT) as mine:
            if not mine:
                raise ZslError(f"{target}: somebody else is teaching it; wait for that, or teach "
                               "another one (`into`)")
            yield
    except OSError as error:
        raise files.cannot_write(target, error) from error


def create(target: Path, name: str, base: Path, manifest: VocabularyManifest,
           contents: Contents, vectors: Vectors, *, force: bool = False) -> None:
    """A new folder over a base, whose files are copied. Raises FolderError."""
    with folders.new_folder(target, force=force) as work:
        try:
            for file in manifest.files:
                shutil.copyfile(base / file, work / file)
        except OSError as error:
            raise files.cannot_write(target, error) from error
        entries = {key: value for key, value in manifest.entries.items() if key != "format"}
        _commit(work, {**entries, "name": name}, manifest, contents, vectors, digest(manifest))


def change(target: Path, manifest: VocabularyManifest, contents: Contents,
           vectors: Vectors) -> None:
    """Put other contents into a folder that is ``held``, whose manifest is this. Raises
    ZslError."""
    assert manifest.taught is not None
    entries = {key: value for key, value in manifest.entries.items()
               if key not in ("format", "taught")}
    try:
        _commit(target, entries, manifest, contents, vectors, manifest.taught.base_digest)
        current = folders.read_manifest(folders.VOCABULARY, target)
        for path in target.iterdir():
            if _OWN.fullmatch(path.name) and path.name not in {*manifest.files, *current.files}:
                with suppress(OSError):
                    path.unlink()
    except OSError as error:
        raise files.cannot_write(target, error, "; what was taught before is as it was") from error


def base_files(manifest: VocabularyManifest) -> list[str]:
    """The files of a taught vocabulary that are the base's."""
    return [name for name in manifest.files if not _OWN.fullmatch(name)]


def _commit(folder: Path, entries: Mapping[str, Any], manifest: VocabularyManifest,
            contents: Contents, vectors: Vectors, base_digest: str) -> None:
    written = {
        "definitions": _put(folder, "definitions", ".jsonl",
                            contents.definitions.to_lines().encode("utf-8", "backslashreplace")),
        "lessons": _put(folder, "lessons", ".jsonl",
                        lessons_file.to_lines(contents.lessons).encode())}
    every = np.concatenate([vectors.vectors, vectors.second, vectors.beside])
    if len(every):
        written["vectors"] = _put(folder, "vectors", ".npy", _array(every))
    if contents.centre is not None:
        written["centre"] = _put(folder, "centre", ".npy", _array(contents.centre))
    new = len(contents.definitions.labels)
    of_base = manifest.labels - (manifest.taught.labels if manifest.taught else 0)
    entry = TaughtEntry(
        contents.base, base_digest, contents.model, new, len(contents.lessons),
        rows=tuple(vectors.rows.tolist()), second_rows=tuple(vectors.second_rows.tolist()),
        beside_rows=tuple(vectors.beside_rows.tolist()),
        centre_of=contents.centre_of, **written)
    kept = {name: {"sha256": manifest.files[name].sha256, "bytes": manifest.files[name].bytes}
            for name in base_files(manifest)}
    text = folders.manifest_bytes({
        **entries, "labels": of_base + new, "taught": entry.to_entries(),
        "files": {**kept, **folders.describe_files(folder, *written.values())}})
    with files.replacing(folder / folders.VOCABULARY.file) as file:
        file.write(text)


def _put(folder: Path, kind: str, suffix: str, content: bytes) -> str:
    """Write a file that is called after its content; its name."""
    name = f"{kind}-{hashlib.sha256(content).hexdigest()[:16]}{suffix}"
    with files.replacing(folder / name) as file:
        file.write(content)
    return name


def _array(array: "NDArray[np.float32]") -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array, "<f4"), allow_pickle=False)
    return buffer.getvalue()
