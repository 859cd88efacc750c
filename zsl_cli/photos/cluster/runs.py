"""What a run over many machines notes of itself beside its parts: what was asked, in ``_run.json``,
before the first part is there; what came of it, in ``_manifest.json``, when all are.

Readers of a folder of Parquet files pass over names that begin with ``_``.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Self

from zsl_cli.errors import ZslError
from zsl_cli.photos.cluster.stores import Store

RUN = "_run.json"
MANIFEST = "_manifest.json"
PART_NAME = re.compile(r"part-[0-9a-z-]+\.parquet", re.ASCII)
FORMAT = 1
_MOST = 1 << 28  # bytes of either; a hundred million images make a manifest of a tenth
_ANOTHER = "give another `output`, or remove what is there"
_NAMES = {"sources": "the source", "folder": "the folder that paths start from",
          "encoder": "the numbers of the model",
          "vocabulary_digest": "the labels of the vocabulary",
          "chunk": "the number of images a part", "version": "the version of zsl"}


class RunError(ZslError):
    """A folder that is no run's, or another run's, or damaged."""


@dataclass(frozen=True)
class Run:
    """What was asked. Two runs over one output have to agree in all of it.

    sources: as they were given. folder: where their relative paths start from, an absolute one;
        empty where there are none.
    model, encoder, dimension: see catalogue.identity.Encoder. vocabulary: its name, and the digest
        of its manifest.
    question: what records depend on beside these, by the names of its parameters; values of JSON.
    chunk: images a part, at most. embeddings: whether parts have them.
    version: of zsl.
    """

    sources: tuple[str, ...]
    folder: str
    model: str
    encoder: str
    dimension: int
    vocabulary: str
    vocabulary_digest: str
    version: str
    question: Mapping[str, Any] = field(default_factory=dict)
    chunk: int = 256
    embeddings: bool = False

    @property
    def digest(self) -> str:
        """What tells the run from another one; every part has it."""
        return hashlib.sha256(json.dumps(self.entries(), sort_keys=True).encode()).hexdigest()

    def entries(self) -> dict[str, Any]:
        """As JSON has it."""
        return {**asdict(self), "sources": list(self.sources), "question": dict(self.question)}

    @classmethod
    def from_entries(cls, entries: Mapping[str, Any]) -> Self:
        """The run that a JSON object describes. Raises ValueError."""
        values = {one.name: entries[one.name] for one in fields(cls) if one.name in entries}
        if missing := [one.name for one in fields(cls) if one.name not in values]:
            raise ValueError(f"{missing[0]} is missing")
        sources, question = values["sources"], values["question"]
        if not (isinstance(sources, list) and all(isinstance(one, str) for one in sources)):
            raise ValueError("sources are no list of texts")
        if not isinstance(question, dict):
            raise ValueError("the question is no object")
        for name in ("folder", "model", "encoder", "vocabulary", "vocabulary_digest", "version"):
            if not isinstance(values[name], str):
                raise ValueError(f"{name} is no text")
        for name in ("dimension", "chunk"):
            if type(values[name]) is not int or not 0 < values[name] <= 1 << 16:
                raise ValueError(f"{name} is no number, or none that can be")
        if type(values["embeddings"]) is not bool:
            raise ValueError("embeddings are neither there nor not")
        return cls(**{**values, "sources": tuple(sources)})

    def differences(self, other: "Run") -> list[str]:
        """What another run has asked for differently, in words."""
        ours, theirs = self.entries(), other.entries()
        pairs = [(_NAMES.get(name, name), theirs.pop(name), ours.pop(name))
                 for name in list(ours) if name != "question"]
        pairs += [(name, other.question.get(name), self.question.get(name))
                  for name in sorted({*self.question, *other.question})]
        return [f"{name} was {_shown(before)}, is {_shown(now)}"
                for name, before, now in pairs if before != now]


def _shown(value: object) -> str:
    if value is None or isinstance(value, bool):
        return "yes" if value else "not given" if value is None else "no"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:99]}…"


@dataclass(frozen=True)
class PartInfo:
    """A finished part: its name, images, how many of these have an error, and its bytes."""

    name: str
    images: int
    failed: int
    size: int


@dataclass(frozen=True)
class RunManifest:
    """What came of a run. run: its digest. parts: in the order of the source. reasons: why images
    failed, and how many."""

    run: str
    parts: tuple[PartInfo, ...]
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def images(self) -> int:
        """Of all parts."""
        return sum(part.images for part in self.parts)

    @property
    def failed(self) -> int:
        """Of these, those with an error."""
        return sum(part.failed for part in self.parts)

    def entries(self) -> dict[str, Any]:
        """As JSON has it; a part is a row."""
        return {"run": self.run, "images": self.images, "failed": self.failed,
                "reasons": dict(self.reasons),
                "parts": [[one.name, one.images, one.failed, one.size] for one in self.parts]}

    @classmethod
    def from_entries(cls, entries: Mapping[str, Any]) -> Self:
        """The manifest that a JSON object describes. Raises ValueError."""
        rows, reasons = entries.get("parts"), entries.get("reasons")
        if not isinstance(entries.get("run"), str):
            raise ValueError("it does not say of which run it is")
        if not isinstance(rows, list) or not all(map(_is_part, rows)):
            raise ValueError("its parts are no rows of a name and three numbers")
        if not isinstance(reasons, dict) or not all(type(one) is int for one in reasons.values()):
            raise ValueError("its reasons are no numbers by their texts")
        return cls(entries["run"], tuple(PartInfo(*row) for row in rows), reasons)


def _is_part(row: object) -> bool:
    return (isinstance(row, list) and len(row) == 4 and isinstance(row[0], str)
            and bool(PART_NAME.fullmatch(row[0]))
            and all(type(one) is int and one >= 0 for one in row[1:]))


def read_run(store: Store) -> Run | None:
    """What the run that wrote into a store asked; None where there was none. Raises StoreError,
    RunError."""
    entries = _read(store, RUN)
    if entries is None:
        return None
    try:
        return Run.from_entries(entries)
    except ValueError as error:
        raise _damaged(store, RUN, str(error)) from error


def begin(store: Store, run: Run) -> bool:
    """Note a run before its first part is there; whether there was none before.

    Raises RunError where another one has asked for something else, or where parts lie of which
    nobody says what they are; StoreError where nothing can be written.
    """
    known = read_run(store)
    if known is None:
        if left := next((one.name for one in store.files() if one.name.endswith(".parquet")), None):
            raise RunError(f"{store.full(left)} is there, and no {RUN} that says what it is of; "
                           + _ANOTHER)
        write_json(store, RUN, run.entries())
        return True
    if differences := run.differences(known):
        raise RunError(f"{store.address} has what another run wrote: {'; '.join(differences)}; "
                       f"ask the same again to go on, {_ANOTHER}")
    return False


def read_manifest(store: Store) -> RunManifest | None:
    """What came of the run in a store; None where it has not ended. Raises StoreError,
    RunError."""
    entries = _read(store, MANIFEST)
    if entries is None:
        return None
    try:
        return RunManifest.from_entries(entries)
    except ValueError as error:
        raise _damaged(store, MANIFEST, str(error)) from error


def write_manifest(store: Store, manifest: RunManifest) -> None:
    """Note that a run has ended, and what came of it. Raises StoreError."""
    write_json(store, MANIFEST, manifest.entries(), indent=None)


def write_json(store: Store, name: str, entries: Mapping[str, Any], *,
               indent: int | None = 2) -> None:
    """Write a JSON object, the format's number first, in one step. Halves of surrogate pairs, for
    bytes of a name that are no text, come back from their escapes. Raises StoreError."""
    text = json.dumps({"format": FORMAT, **entries}, indent=indent, ensure_ascii=True) + "\n"
    store.write(name, text.encode())


def _read(store: Store, name: str) -> "dict[str, Any] | None":
    if store.look(name) is None:
        return None
    try:
        entries = json.loads(store.read(name, most=_MOST))
    except (ValueError, RecursionError) as error:
        raise _damaged(store, name, "it is no JSON") from error
    if not isinstance(entries, dict) or type(entries.get("format")) is not int:
        raise _damaged(store, name, "it is no object with a format")
    if entries["format"] > FORMAT:
        raise RunError(f"{store.full(name)} was written by a later version of zsl; update zsl")
    return entries


def _damaged(store: Store, name: str, why: str) -> RunError:
    return RunError(f"{store.full(name)} is damaged, or not a run's of zsl: {why}; {_ANOTHER}")


def in_order(parts: Sequence[PartInfo]) -> tuple[PartInfo, ...]:
    """Parts sorted by their names."""
    return tuple(sorted(parts, key=lambda part: part.name))
