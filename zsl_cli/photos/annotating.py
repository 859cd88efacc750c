"""Annotation: a photo → those of some sentences that fit it best (Kiros et al., 2014)."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zsl_cli.classifier import pairing
from zsl_cli.classifier.sentences import SentenceEncoder
from zsl_cli.embedding import stream
from zsl_cli.embedding.model import Model
from zsl_cli.embedding.walk import Walk
from zsl_cli.errors import ImageError, RequestError, ZslError
from zsl_cli.evaluation.captions import forms
from zsl_cli.evaluation.captions.captioned import why_not
from zsl_cli.photos.known import KnownEmbeddings
from zsl_cli.photos.reporter import Reporter
from zsl_cli.photos.search.space import JointSpace
from zsl_cli.support import cpus, folders
from zsl_cli.support.limits import MAX_PIXELS
from zsl_cli.support.names import Name, names_of
from zsl_cli.support.text_lists import lines_of
from zsl_cli.support.values import READING, TOP, check_device, set_numbers
from zsl_cli.support.wording import more
from zsl_cli.vocabulary.search.nearest import largest
from zsl_cli.vocabulary.vocabulary import Vocabulary

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TOGETHER = 256  # photos
_FORMS = (".csv", ".json", ".token")
_TOLD = 3  # sentences that can't be encoded
_DIGITS = 4


@dataclass(frozen=True)
class AnnotateRequest:
    """What is asked of ``annotate``; raises RequestError for values that make no sense.

    photos: photos, folders of photos and patterns.
    captions: sentences, or a file of them, see ``sentences``. top: how many a photo gets.
    model, vocabulary, device: see Classifier.load. jobs, batch_size, max_pixels: see
        Classifier.classify.
    """

    photos: Name | Sequence[Name]
    captions: Name | Sequence[str]
    top: int = 5
    model: Name = "default"
    vocabulary: Name | None = None
    device: str = "auto"
    jobs: int | None = None
    batch_size: int | None = None
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        """Raise RequestError for what makes no sense."""
        set_numbers(self, top=TOP, **READING)
        check_device(self.device)
        if not names_of(self.photos):
            raise RequestError("nothing to annotate: name a photo")


@dataclass(frozen=True)
class Annotation:
    """A photo, and the sentences that fit it best, each with its cosine, -1 to 1, falling; or why
    it can't be read."""

    path: str
    captions: tuple[tuple[str, float], ...] = ()
    error: ImageError | None = None

    def record(self) -> dict[str, Any]:
        """As programs read it."""
        if self.error is not None:
            return {"path": self.path,
                    "error": {"kind": self.error.kind, "message": self.error.plain}}
        return {"path": self.path, "captions": [
            {"caption": caption, "score": round(score, _DIGITS)}
            for caption, score in self.captions]}


def sentences(path: Name) -> list[str]:
    """The sentences of a file, each once: one a line, or the captions of a file in one of the
    forms that ``evaluation.captions.forms`` knows. Raises ZslError."""
    path = Path(path)
    return sentences_of(forms.content_of(path), str(path),
                        of_a_form=path.suffix.lower() in _FORMS)


def sentences_of(content: bytes, source: str, *, of_a_form: bool = False) -> list[str]:
    """As ``sentences``, of what a file holds; ``source`` is what messages call it.

    of_a_form: whether it has to be one of these forms.
    """
    lines = forms.lines_of(content, source)
    try:
        first = next(lines, None)
    except ZslError:  # of none of these forms
        if of_a_form or len(content) > forms.LARGEST:
            raise
        found = lines_of(content, source)
    else:
        found = [line.caption for line in (*filter(None, [first]), *lines)]
    found = list(dict.fromkeys(filter(None, found)))
    if not found:
        raise ZslError(f"{source}: there is no sentence in it")
    return found


def annotate(request: AnnotateRequest, reporter: Reporter | None = None) -> Iterator[Annotation]:
    """An annotation for each photo, in their order; photos that a catalogue knows are not read.

    Sentences that nothing is known of are told of and left out. Raises ZslError, before the first
    photo is read, when none is left.
    """
    reporter = reporter or Reporter()
    given = (sentences(request.captions) if isinstance(request.captions, str | os.PathLike)
             else list(dict.fromkeys(request.captions)))
    captions = [one for one in given if not why_not(one)]
    folder = folders.find(folders.MODEL, request.model)
    model = Model.described(folder, device=request.device, threads=1)
    chosen = pairing.vocabulary_for(folder, model.manifest, request.vocabulary)
    vocabulary = Vocabulary.load(chosen) if chosen else None
    space = JointSpace.of(model.dimension, vocabulary)
    reporter.start("encoding sentences", len(captions), "sentences")
    embedded = SentenceEncoder(model, vocabulary).embed(captions, reporter.advance)
    reporter.end()
    failed = [*filter(None, map(why_not, given)), *(str(error) for _, error in embedded.failed)]
    for line in failed[:_TOLD]:
        reporter.warn(f"left out: {line}")
    if len(failed) > _TOLD:
        reporter.warn(f"and {more(len(failed) - _TOLD, 'sentences')}")
    if not len(embedded.kept):
        raise ZslError("there is no sentence to choose from")
    vectors, kept = space.unit(embedded.values), [captions[at] for at in embedded.kept]
    with KnownEmbeddings.of(model.manifest) as known:
        walked = Walk().expand(names_of(request.photos))
        while batch := list(islice(walked, _TOGETHER)):
            answers = _embeddings(batch, known, model, request)
            for (path, _), answer in zip(batch, answers, strict=True):
                if isinstance(answer, ImageError):
                    yield Annotation(path, error=answer)
                    continue
                at, scores = largest(space.unit(answer[None]) @ vectors.T, request.top)
                yield Annotation(path, tuple(
                    (kept[column], score) for column, score in zip(
                        at[0].tolist(), scores[0].tolist(), strict=True)))


def _embeddings(photos: "Sequence[tuple[str, ImageError | None]]", known: KnownEmbeddings,
                model: Model, request: AnnotateRequest,
                ) -> "list[NDArray[np.floating] | ImageError]":
    """The embedding ``[D]`` of each photo, or why there is none."""
    found: list[NDArray[np.floating] | ImageError | None] = [
        error or known.get(path) for path, error in photos]
    todo = [at for at, answer in enumerate(found) if answer is None]
    if todo:
        for at, answer in zip(todo, _read([photos[at][0] for at in todo], model, request),
                              strict=True):
            found[at] = answer
    return [answer for answer in found if answer is not None]


def _read(paths: Sequence[str], model: Model,
          request: AnnotateRequest) -> "Iterable[NDArray[np.floating] | ImageError]":
    def reading(path: str) -> "stream.Read":
        return lambda model: model.read(path, max_pixels=request.max_pixels)

    for batch in stream.embed(model, ((path, reading(path)) for path in paths),
                              batch_size=request.batch_size or model.batch_size,
                              jobs=request.jobs or cpus.usable_cpus()):
        # As a catalogue keeps them, so that a photo is annotated alike wherever it is asked.
        rows = iter(batch.embeddings.astype(np.float16))
        yield from (error or next(rows) for error in batch.errors)
