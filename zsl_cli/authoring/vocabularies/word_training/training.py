"""A corpus → a vocabulary folder of its words, by way of a work folder from which an interrupted
training goes on."""

import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.authoring.vocabularies import similarity
from zsl_cli.authoring.vocabularies.word_training import corpus, prepare, skipgram
from zsl_cli.authoring.vocabularies.word_training.prepare import Prepared
from zsl_cli.authoring.vocabularies.wordnet import WordNet
from zsl_cli.errors import ZslError
from zsl_cli.support import cpus, extras, files, folders, sources, work_folder
from zsl_cli.support.manifests import VocabularyManifest
from zsl_cli.support.names import set_paths
from zsl_cli.support.progress import SILENT, Reporter
from zsl_cli.support.values import COUNT, POSITIVE, check_hnsw, set_numbers
from zsl_cli.support.version import __version__
from zsl_cli.vocabulary import writing
from zsl_cli.vocabulary.names.label import Label

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PREPARED = "prepared.json"
_LAYOUT = 1


@dataclass(frozen=True)
class WordTrainingRequest:
    """What to train, and where. A path may be a text, too.

    centre: whether the mean of all vectors is taken away, see ``finished``.
    workers: threads; None for all usable cores.
    save_every: seconds between two checkpoints.
    sources: dictionaries with ``name``, ``license`` and ``url``, for the manifest.

    hnsw: parameters of the index that differ from what suits so many labels.

    Raises RequestError for what makes no sense.
    """

    corpus: Path
    output: Path
    words: prepare.Settings = field(default_factory=prepare.Settings)
    training: skipgram.Settings = field(default_factory=skipgram.Settings)
    centre: bool = True
    workers: int | None = None
    save_every: float = 300.0
    force: bool = False
    restart: bool = False
    hnsw: Mapping[str, int] = field(default_factory=dict)
    sources: tuple[dict[str, str], ...] = ()

    def __post_init__(self) -> None:
        set_paths(self, "corpus", "output")
        set_numbers(self, workers=COUNT, save_every=POSITIVE)
        object.__setattr__(self, "hnsw", check_hnsw(self.hnsw))
        object.__setattr__(self, "sources", sources.check(self.sources))


@dataclass(frozen=True)
class WordTrainingResult:
    """The vocabulary folder, the words, the most frequent first, their unit vectors
    ``[words, D]``, and the manifest."""

    folder: Path
    words: list[str]
    vectors: "NDArray[np.float32]"
    manifest: VocabularyManifest

    def agreement(self, wordnet: WordNet) -> similarity.Agreement | None:
        """How the vectors agree with WordNet; None where too few of the words are nouns that it
        knows."""
        return similarity.agreement([word.replace("_", " ") for word in self.words],
                                    self.vectors, wordnet)


def work_folder_of(output: Path) -> Path:
    """Where an unfinished training of this output is kept: beside it."""
    output = output.absolute()
    return output.with_name(f".{output.name}.zsl-training")


def train(request: WordTrainingRequest, reporter: Reporter = SILENT) -> WordTrainingResult:
    """Train, or go on with what an earlier call with the same request began, and write the
    vocabulary folder.

    Raises ZslError. Whatever it raises, KeyboardInterrupt included, what is done is kept once the
    corpus is prepared.
    """
    with extras.needed("vocab", "training word vectors"):
        import gensim
    folders.check_target(request.output, force=request.force, reads=(request.corpus,))
    texts = corpus.find(request.corpus)
    work = work_folder_of(request.output)
    with _opened(work):
        if request.restart:
            work_folder.clear(work)
        prepared, identities = _prepared(work, texts, request, reporter)
        workers = request.workers or cpus.usable_cpus()
        most_workers = _most_workers(work, workers, reporter)
        training = skipgram.Training(prepared, request.training)
        if training.restore(work):
            reporter.say(f"going on after {training.done / training.total:.1%} of the training")
        _train(training, work, request, workers, reporter)
        vectors = finished(training.vectors, centre=request.centre)
        manifest = _write(replace(request, workers=most_workers), prepared, identities, vectors,
                          gensim.__version__)
        del training  # and its hold on the stream
        (work / _PREPARED).unlink()  # there is nothing left to go on with
    return WordTrainingResult(request.output, prepared.words, vectors, manifest)


def is_unfinished(output: Path) -> bool:
    """Whether there is a training of this output that can be gone on with."""
    return (work_folder_of(output) / _PREPARED).exists()


@contextmanager
def _opened(work: Path) -> Iterator[None]:
    """The work folder, held by this process alone; removed when it is left with no prepared corpus
    in it. A full disk and the like become a ZslError that says what can be done."""
    try:
        with work_folder.opened(work, "training of word vectors",
                                worth_keeping=(work / _PREPARED).exists):
            yield
    except OSError as error:
        then = (f"; {work} keeps what is done: run the same command again to go on"
                if (work / _PREPARED).exists() else "")
        raise ZslError(f"{error.filename or work}: {error.strerror or error}{then}") from error


def _settings(request: WordTrainingRequest) -> dict[str, Any]:
    return {"layout": _LAYOUT, **asdict(request.words), **asdict(request.training)}


def _prepared(work: Path, texts: list[corpus.TextFile], request: WordTrainingRequest,
              reporter: Reporter) -> tuple[Prepared, list[corpus.Identity]]:
    """The corpus as the work folder has it, or as it gets there now."""
    settings = _settings(request)
    if not (work / _PREPARED).exists():
        work_folder.clear(work)
        prepared, identities = prepare.prepare(texts, request.words, work, reporter)
        with files.replacing(work / _PREPARED) as file:
            file.write(json.dumps({"settings": settings, "files": [
                asdict(identity) for identity in identities]}).encode())
        return prepared, identities
    try:
        known = json.loads((work / _PREPARED).read_bytes())
        before, most = dict(known["settings"]), known.get("workers", 1)
        identities = [corpus.Identity(**identity) for identity in known["files"]]
        if type(most) is not int:
            raise ValueError(f"{most!r} workers")
        prepared = Prepared.load(work)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, EOFError,
            RecursionError) as error:
        raise ZslError(f"{work}: damaged ({error}); begin again with `restart`") from error
    for name in sorted(settings.keys() | before.keys()):
        if settings.get(name) != before.get(name):
            raise ZslError(
                f"{work}: the training that was begun there has {_named(name, before.get(name))}, "
                f"and this one {settings.get(name)}; run it with the same "
                "settings to go on, or with `restart` to begin again")
    if difference := corpus.changed(texts, identities):
        raise ZslError(f"{request.corpus}: not the corpus with which the training in {work} was "
                       f"begun: {difference}; `restart` begins again with this one")
    return prepared, identities


def _most_workers(work: Path, workers: int, reporter: Reporter) -> int:
    """The most threads that this training has had in any of its runs: of more than one, vectors do
    not repeat themselves."""
    known = json.loads((work / _PREPARED).read_bytes())
    before = known.get("workers", workers)
    if before != workers:
        reporter.say(f"begun with `workers={before}`; the manifest has the larger number, and only "
                     "with one worker all along do vectors repeat themselves")
    most = max(before, workers)
    if most != known.get("workers"):
        with files.replacing(work / _PREPARED) as file:
            file.write(json.dumps({**known, "workers": most}).encode())
    return most


def _named(setting: str, value: object) -> str:
    return f"a work folder of layout {value}" if setting == "layout" else f"`{setting}={value}`"


def _train(training: skipgram.Training, work: Path, request: WordTrainingRequest, workers: int,
           reporter: Reporter) -> None:
    """All that is left to do, with a checkpoint from time to time, and one when interrupted."""
    reporter.start("training", training.words_until(training.total), "words")
    reporter.advance(training.words_until(training.done))
    start, first = time.monotonic(), training.done
    try:
        saved = start
        while training.done < training.total:
            epoch = training.done // training.batches + 1
            end = epoch * training.batches
            training.run(end, workers, reporter.advance,
                         saved + request.save_every - time.monotonic())
            if time.monotonic() >= saved + request.save_every:
                training.save(work)
                saved = time.monotonic()
            if training.done == end:
                words = training.words_until(end) - training.words_until(first)
                reporter.say(f"epoch {epoch} of {request.training.epochs}: "
                             f"{words / (time.monotonic() - start):,.0f} words/s")
        training.save(work)
    except KeyboardInterrupt:
        training.save(work)
        raise


def finished(vectors: "NDArray[np.float32]", *, centre: bool) -> "NDArray[np.float32]":
    """Unit vectors ``[words, D]`` of trained ones.

    centre: take the mean of the unit vectors from each, and scale to unit length again. The mean
        says nothing about any word, and rare words, which training has hardly moved apart, lie
        near it; without it cosines tell more of meaning (Mu and Viswanath, 2018, "All-but-the-
        top"; taking principal components away too, as they do, loses here).
    """
    unit = _unit(vectors)
    return _unit(unit - unit.mean(axis=0)) if centre else unit


def _unit(vectors: "NDArray[np.float32]") -> "NDArray[np.float32]":
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.isfinite(norms).all() or not norms.all():
        raise ZslError("the training diverged: there are vectors that are not finite or zero; "
                       "try a lower `learning_rate`")
    return vectors / norms


def _write(request: WordTrainingRequest, prepared: Prepared, identities: list[corpus.Identity],
           vectors: "NDArray[np.float32]", gensim: str) -> VocabularyManifest:
    digest = hashlib.sha256("\n".join(prepared.words).encode())
    digest.update(np.ascontiguousarray(vectors).data)
    name = folders.name_of(request.output)
    labels = [Label(id=word, name=word.replace("_", " ")) for word in prepared.words]
    with folders.new_folder(request.output, force=request.force) as folder:
        return writing.write(
            folder, name, f"{name}-{digest.hexdigest()[:12]}", labels, vectors,
            hnsw=request.hnsw, sources=list(request.sources),
            training={
                "method": "skip-gram", **asdict(request.words), **asdict(request.training),
                "centred": request.centre, "workers": request.workers,
                "corpus": {
                    "name": folders.name_of(request.corpus), "words": prepared.read,
                    "words_trained": int(prepared.counts.sum()),
                    "least_count": int(prepared.counts[-1]),
                    "files": len(identities),
                    "bytes": sum(identity.bytes for identity in identities),
                    "sha256": _digest_of(identities)},
                "gensim": gensim},
            built_by=f"zsl {__version__}")


def _digest_of(identities: list[corpus.Identity]) -> str:
    """The SHA-256 of the file; of several, that of the lines ``SHA-256  name``, as sha256sum
    prints them."""
    if len(identities) == 1:
        return identities[0].sha256
    lines = "".join(f"{identity.sha256}  {identity.name}\n" for identity in identities)
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()
