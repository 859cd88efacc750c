"""Worker: what Ray makes an actor of. It lays down and loads what was sent, once, and labels the
chunks that it is given."""

import json
import platform
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from zsl_cli.errors import ImageError, ZslError
from zsl_cli.photos.answering import Answering
from zsl_cli.photos.cluster import parts, planning, shipping
from zsl_cli.photos.cluster.chunks import Chunk
from zsl_cli.photos.cluster.labeller import Labelled, Labeller, Outcome
from zsl_cli.photos.cluster.nodes import Machine, compare
from zsl_cli.photos.cluster.runs import Run
from zsl_cli.photos.indexing import Reading
from zsl_cli.photos.lazy import LazyClassifier
from zsl_cli.photos.question import Question
from zsl_cli.support.wording import reason

if TYPE_CHECKING:
    from zsl_cli.photos.cluster.stores import Store

MODEL, VOCABULARY, NAMES = "model", "vocabulary", "names"
"""The folders of a shipment."""
_MANY = 1 << 30  # images, as far as it matters how labels are searched


@dataclass(frozen=True)
class Job:
    """What every worker is told.

    store: what gets the parts. shipped: the digest of the shipment; vocabulary, names: whether it
    has one. paths: whether labels have theirs. anew: whether parts that are there are made again.
    driver, needed: what the machine that gave the work is like, and what it has that all need; see
    nodes.check. A machine that came later has not been asked before.
    """

    store: "Store"
    run: Run
    question: Question
    reading: Reading
    shipped: str
    vocabulary: bool
    names: bool
    device: str
    exact: bool | None
    ef: int | None
    paths: bool
    anew: bool = False
    driver: Machine | None = None
    needed: tuple[str, ...] = ()


class Worker:
    """Labels chunks, one row each. Its methods raise nothing on purpose: what goes wrong is in the
    rows that it gives back, and what goes wrong in the beginning in all of them."""

    def __init__(self, job: Job, shipment: "list[Any]") -> None:
        """shipment: a reference to it, in a list, lest Ray fetch it where the node has it."""
        self._job = job
        self._labeller: Labeller | None = None
        self._fatal = ""
        try:
            if job.driver is not None:
                compare(platform.node(), Machine.here(job.needed), job.driver)
            self._labeller = _labeller(job, shipment[0])
        except ZslError as error:
            self._fatal = str(error)

    def __call__(self, row: "dict[str, Any]") -> "dict[str, Any]":
        """The outcome of a chunk, as a row."""
        if self._labeller is None:
            return to_row(Outcome(row["part"], error=self._fatal), fatal=True)
        return to_row(self._outcome(self._labeller, Chunk(row["part"], row["photos"],
                                                          row["packed"])))

    def _outcome(self, labeller: Labeller, chunk: Chunk) -> Outcome:
        job = self._job
        try:
            # A worker that was killed behind the part has told nobody of it.
            if not job.anew and (stored := job.store.look(chunk.part)) is not None:
                looked = planning.look_into(job.store, stored, job.run)
                return Outcome(chunk.part, looked.info.images, looked.info.failed,
                               reasons=looked.reasons, size=stored.size)
            return labeller.label(chunk.part, chunk.unpacked())
        except Exception as error:  # one chunk that fails is no reason to stop the others
            return Outcome(chunk.part, error=str(error) if isinstance(error, ZslError) else
                           f"{type(error).__name__}: {reason(error)}")


def _labeller(job: Job, shipment: Any) -> Labeller:
    if shipping.is_there(job.shipped):
        folder = shipping.place(job.shipped)
    else:
        import ray

        folder = shipping.lay_down(ray.get(shipment))
    lazy = LazyClassifier(
        folder / MODEL, folder / VOCABULARY if job.vocabulary else None, job.question,
        language=folder / NAMES if job.names else None, device=job.device, exact=job.exact,
        ef=job.ef, phrases_alone=not job.vocabulary)
    classifier, nearest = lazy.load(_MANY)
    path_of = lazy.path_names if job.paths else None

    def write(name: str, labelled: "list[Labelled]") -> int:
        seen = [None if isinstance(one.answer, ImageError) or one.photo is None else
                parts.Seen(one.answer, one.photo.crc, one.photo.capture)
                for one in labelled] if job.run.embeddings else None
        return parts.write_part(
            job.store, name, [one.entry for one in labelled], lazy.provenance, job.run,
            path_of=path_of, keywords=job.question.rule is not None, seen=seen).size

    return Labeller(lazy, classifier.model, Answering(classifier, nearest, job.question),
                    job.reading, write)


def to_row(outcome: Outcome, *, fatal: bool = False) -> "dict[str, Any]":
    """An outcome as a row of Ray's; fatal: whether no other chunk would do better."""
    return {"outcome": json.dumps(asdict(outcome)), "fatal": fatal}


def from_row(row: "dict[str, Any]") -> Outcome:
    """The inverse of ``to_row``."""
    entries = json.loads(row["outcome"])
    for name in ("failures", "frequent"):
        entries[name] = tuple(tuple(one) for one in entries[name])
    return Outcome(**entries)
