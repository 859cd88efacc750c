"""Which chunks are still to be labelled, by the parts that are there.

A part is of photos as they were. Where its chunk is still one of the source's, it is done. Where
photos came, went or changed, the chunks behind them are others; then what each part has is looked
up: a part all of whose photos are as they were stays, any other is made again, and what no part has
makes new chunks. So every photo is in one part, whatever happened between two runs.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zsl_cli.photos import tables
from zsl_cli.photos.cluster import parts
from zsl_cli.photos.cluster.chunks import Chunk, Files, Found, Objects, grouped
from zsl_cli.photos.cluster.runs import PartInfo, Run
from zsl_cli.photos.result import reason

if TYPE_CHECKING:
    from zsl_cli.photos.cluster.stores import Store, Stored

_AT_ONCE = 16  # parts that are looked into; a store takes long to answer, and many requests

Key = tuple[str, int | None, int | None]
"""A path as a part has it, size in bytes, mtime in microseconds."""


@dataclass(frozen=True)
class Plan:
    """What is to be done: chunks to label, parts to keep, with why their photos failed, and parts
    to remove first."""

    todo: list[Chunk]
    kept: "list[PartInfo]"
    reasons: dict[str, int]
    stale: list[str]


@dataclass(frozen=True)
class Looked:
    """What a part says of its photos."""

    info: PartInfo
    reasons: dict[str, int]
    keys: list[Key]


def look_into(store: "Store", stored: "Stored", run: Run) -> Looked:
    """Read what a plan has to know of a part. Raises StoreError, RunError."""
    table = parts.read_part(store, stored.name, run, ["path", "size", "mtime", "error"])
    table = table.set_column(2, "mtime", table.column("mtime").cast("int64"))
    reasons: dict[str, int] = {}
    failed = 0
    keys: list[Key] = []
    for row in table.to_pylist():
        keys.append((row["path"], row["size"], row["mtime"]))
        if row["error"] is not None:
            failed += 1
            why = reason(row["error"]["message"] or "")
            reasons[why] = reasons.get(why, 0) + 1
    return Looked(PartInfo(stored.name, len(keys), failed, stored.size), reasons, keys)


def planned(chunks: list[Chunk], there: "Mapping[str, Stored]", store: "Store", run: Run, *,
            retry_failed: bool = False, known: "Mapping[str, PartInfo] | None" = None,
            reasons: "Mapping[str, int] | None" = None, unreadable: Sequence[str] = ()) -> Plan:
    """What is to be done for these chunks.

    there: the parts that are there. retry_failed: whether those in which a photo failed are made
    again. known, reasons: what the manifest of an earlier run says of parts; where it speaks of all
    that are there and nothing is to be done, none is looked into. unreadable: folders that can't be
    looked into now, whose photos are taken to be as they were.

    Raises StoreError, RunError.
    """
    chunks = list({chunk.part: chunk for chunk in chunks}.values())
    names = {chunk.part for chunk in chunks}
    sizes = {name: stored.size for name, stored in there.items()}
    if known is not None and names == set(there) and sizes == {
            name: one.size for name, one in known.items()} and not (
            retry_failed and any(one.failed for one in known.values())):
        return Plan([], [known[name] for name in there], dict(reasons or {}), [])
    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="zsl-parts") as pool:
        looked = list(pool.map(lambda stored: look_into(store, stored, run), there.values()))
    kept = [one for one in looked if one.info.name in names
            and not (retry_failed and one.info.failed)]
    others = [one for one in looked if one.info.name not in names
              and not (retry_failed and one.info.failed)]
    done = {one.info.name for one in kept}
    todo = [chunk for chunk in chunks if chunk.part not in done]
    if others:
        todo, held = _without(todo, others, tuple(
            tables.written_path(os.path.join(path, "")) for path in unreadable))
        kept += held
    stays = {one.info.name for one in kept}
    made = {chunk.part for chunk in todo}
    return Plan(todo, [one.info for one in kept], in_all(one.reasons for one in kept),
                [name for name in there if name not in stays and name not in made])


def _without(todo: list[Chunk], others: list[Looked],
             unseen: tuple[str, ...]) -> tuple[list[Chunk], list[Looked]]:
    """Chunks of what is in none of these parts, as far as their photos are as they were, and these
    parts."""
    photos = {chunk.part: chunk.unpacked() for chunk in todo}
    waiting = {key for one in photos.values() if isinstance(one, Files | Objects)
               for _, key in _keyed(one)}
    paths = {path for path, _, _ in waiting}
    held: list[Looked] = []
    covered: set[str] = set()
    for part in others:
        keys = [key for key in part.keys if not key[0].startswith(unseen)] if unseen else part.keys
        own = {path for path, _, _ in keys}
        if own <= paths and not own & covered and all(_is_as_it_was(key, waiting)
                                                      for key in keys):
            held.append(part)
            covered |= own
    if not covered:
        return todo, held
    return list(_again(photos, covered)), held


def _is_as_it_was(key: Key, waiting: set[Key]) -> bool:
    path, _, _ = key
    return key in waiting or (path, None, None) in waiting  # a manifest does not say


def _keyed(photos: "Files | Objects") -> Iterator[tuple[Found, Key]]:
    for one in photos.found:
        path = one.name if isinstance(photos, Files) else photos.store.full(one.name)
        mtime = None if one.mtime is None else tables.microseconds(round(one.mtime / 1e9, 6))
        yield one, (tables.written_path(path), one.size, mtime)


def _again(photos: Mapping[str, Any], covered: set[str]) -> Iterator[Chunk]:
    """Chunks of what is left, together with what is of the same folder or store."""
    left: dict[Any, list[Found]] = {}
    most = 1
    for one in photos.values():
        if not isinstance(one, Files | Objects):
            yield Chunk.of(one)
            continue
        most = max(most, len(one))
        place = one.folder if isinstance(one, Files) else one.store
        left.setdefault(place, []).extend(
            found for found, (path, _, _) in _keyed(one) if path not in covered)
    for place, found in left.items():
        for group in grouped(iter(found), most):
            yield Chunk.of(Files(place, group) if isinstance(place, str) else
                           Objects(place, group))


def in_all(reasons: "Iterable[Mapping[str, int]]") -> dict[str, int]:
    """Counts, added."""
    total: dict[str, int] = {}
    for one in reasons:
        for why, count in one.items():
            total[why] = total.get(why, 0) + count
    return total
