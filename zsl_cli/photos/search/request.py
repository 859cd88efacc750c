"""SearchRequest: what is looked for, and among which photos."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zsl_cli.embedding.walk import SUFFIXES
from zsl_cli.errors import RequestError
from zsl_cli.photos.search.period import Period
from zsl_cli.support.names import Name, set_names
from zsl_cli.support.values import SHARE, TOP, check_choice, check_device, set_numbers
from zsl_cli.vocabulary.names.language import check_language

Term = str | os.PathLike[str]
"""Words, or the path of a photo."""

RERANKINGS = ("centre",)
KEYWORD = 0.8
"""The confidence that a label has to have, unless another one is asked for; that of keywords."""
AMONG = 50
"""Photos that are reranked, unless another number is asked for."""


@dataclass(frozen=True)
class Query:
    """What photos are looked for by: the sum of some terms, less others (Kiros et al., 2014).

    plus, minus: texts are words, paths (``pathlib.Path``) are photos.
    """

    plus: tuple[Term, ...]
    minus: tuple[Term, ...] = ()

    def __post_init__(self) -> None:
        """Raise RequestError for what is no query."""
        for name in ("plus", "minus"):
            terms = getattr(self, name)
            terms = (terms,) if isinstance(terms, str | os.PathLike) else tuple(terms)
            if wrong := [term for term in terms if not isinstance(term, str | os.PathLike)]:
                raise RequestError(f"`{name}` takes words and paths of photos, not {wrong[0]!r}")
            object.__setattr__(self, name, terms)
        if not self.plus:
            raise RequestError("nothing to search for: give words or a photo")
        if any(isinstance(term, str) and not term.strip() for term in (*self.plus, *self.minus)):
            raise RequestError("an empty query finds nothing: give words or a photo")

    @property
    def is_sum(self) -> bool:
        """Whether it has several terms."""
        return len(self.plus) + len(self.minus) > 1

    @property
    def text(self) -> str:
        """The query in one line."""
        return self._written(_text)

    @property
    def title(self) -> str:
        """The same, photos by their names alone."""
        return self._written(lambda term: term if isinstance(term, str) else os.path.basename(term))

    def _written(self, name: Callable[[Term], str]) -> str:
        return " + ".join(name(term) for term in self.plus) + "".join(
            f" - {name(term)}" for term in self.minus)


def _text(term: Term) -> str:
    return os.fspath(term)


def term_of(text: str) -> Term:
    """What a text on a command line means: a photo where it ends like the name of one, or is the
    path of a file, with a folder; else words, though there may be a file called ``cat``."""
    is_path = os.path.dirname(text) != "" and os.path.isfile(text)
    return Path(text) if is_path or os.path.splitext(text)[1].lower() in SUFFIXES else text


@dataclass(frozen=True)
class SearchRequest:
    """What is asked of ``search``; raises RequestError for values that make no sense.

    queries: one or several; a text or a path is one, too.
    top: how many photos a query finds at most, 1 to 1000.
    rerank: one of RERANKINGS: of the ``among`` nearest photos those that are nearest to their
        centre, the paper's cure for strays.
    fold: whether near-duplicates are one result (see ordering.ALIKE).

    within: folders; only photos in them. paths: only photos that match one of these patterns,
        which go on from the library, or that are in one of these folders.
    since, until: only photos taken then, as ``2024``, ``2024-07`` or ``2024-07-01``; the time of
        the file counts where a photo does not say when it was taken.
    labels, under: only photos of which each of these labels is true, and any label below each of
        the latter, with ``min_confidence`` at least.

    catalogue: the folder of a catalogue; by default all of this user's are searched.
    model, vocabulary, language, device: see Classifier.load.
    """

    queries: "Query | Term | Sequence[Query | Term]" = field(default=())
    top: int = 20
    rerank: str | None = None
    among: int | None = None
    fold: bool = False
    within: Sequence[str] = ()
    paths: Sequence[str] = ()
    since: str | None = None
    until: str | None = None
    labels: Sequence[str] = ()
    under: Sequence[str] = ()
    min_confidence: float | None = None
    catalogue: Name | None = None
    model: Name = "default"
    vocabulary: Name | None = None
    language: Name | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        """Raise RequestError for what makes no sense."""
        object.__setattr__(self, "queries", tuple(_queries(self.queries)))
        if not self.queries:
            raise RequestError("nothing to search for: give words or a photo")
        set_names(self, "within", "paths", "labels", "under")
        set_numbers(self, top=TOP, among=TOP, min_confidence=SHARE)
        if self.rerank is not None:
            check_choice("rerank", self.rerank, RERANKINGS)
        if self.among is not None and self.rerank is None:
            raise RequestError("`among` is for `rerank`")
        if self.among is not None and self.among < self.top:
            raise RequestError(f"`among` is at least as many as `top`, {self.top}")
        if self.min_confidence is not None and not (self.labels or self.under):
            raise RequestError("`min_confidence` is for `labels` and `under`")
        Period.parse(self.since, self.until)
        check_device(self.device)
        check_language(self.language)

    @property
    def asked(self) -> tuple[Query, ...]:
        """The queries."""
        return tuple(_queries(self.queries))

    @property
    def confidence(self) -> float:
        """The confidence that labels have to have."""
        return KEYWORD if self.min_confidence is None else self.min_confidence

    @property
    def reranked(self) -> int:
        """How many photos are reranked; 0 for none."""
        return 0 if self.rerank is None else max(self.among or AMONG, self.top)


def _queries(given: object) -> "Iterable[Query]":
    if isinstance(given, Query | str | os.PathLike):
        given = (given,)
    if not isinstance(given, Iterable):
        raise RequestError(f"`queries` takes words, photos and queries, not {given!r}")
    for one in given:
        yield one if isinstance(one, Query) else Query((one,))
