"""RetrievalResult: figures of image search and image annotation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zsl_cli.evaluation import tables
from zsl_cli.evaluation.tables import NOTHING, Table, share
from zsl_cli.support.version import __version__

if TYPE_CHECKING:
    import os

    from zsl_cli.evaluation.captions.ranks import Chance, Figure
    from zsl_cli.evaluation.left_out import LeftOut

CHANCE = "chance"
"""In the place of a model: a ranking at random."""

_HEADINGS = {"sentence": "Sentence → image (image search)",
             "image": "Image → sentence (image annotation)"}
_INTERVAL = 0.95


@dataclass(frozen=True)
class Direction:
    """What came of a model with a vocabulary and one way of encoding sentences, one way round.

    query: ``sentence`` where images are ranked, ``image`` where sentences are.
    images, sentences: how many took part.
    recalls: Recall@k for each k; median: the median rank, from 1. chance: of a ranking at random.
    """

    model: str
    vocabulary: str | None
    way: str
    query: str
    images: int
    sentences: int
    recalls: tuple["Figure", ...]
    median: "Figure"
    chance: "Chance"

    def row(self, ks: Sequence[int]) -> tables.Row:
        """The figures, flat."""
        row: tables.Row = {"model": self.model, "vocabulary": self.vocabulary,
                           "sentences": self.way, "query": self.query, "images": self.images,
                           "captions": self.sentences}
        for k, recall, chance in zip(ks, self.recalls, self.chance.recalls, strict=True):
            row |= {f"recall@{k}": recall.value, f"recall@{k}_low": recall.low,
                    f"recall@{k}_high": recall.high, f"chance@{k}": chance}
        return row | {"median_rank": self.median.value, "median_rank_low": self.median.low,
                      "median_rank_high": self.median.high,
                      "chance_median_rank": self.chance.median}


@dataclass(frozen=True)
class RetrievalResult:
    """What came of an evaluation of retrieval.

    captions: the file, as it was asked for; ks, resamples, seed: how it was measured.
    directions: the figures; left_out: what did not count.
    """

    captions: str
    ks: tuple[int, ...]
    resamples: int
    seed: int
    directions: Sequence[Direction]
    left_out: "LeftOut"

    @property
    def ok(self) -> bool:
        """Whether all images and captions counted."""
        return not self.left_out

    @property
    def rows(self) -> list[tables.Row]:
        """The figures, a row a direction."""
        return [direction.row(self.ks) for direction in self.directions]

    def to_json(self) -> str:
        """All of it as one JSON object, ``{"rows": […], …}``."""
        about: dict[str, Any] = {
            "captions": self.captions, "version": __version__,
            "settings": {"k": list(self.ks), "resamples": self.resamples, "seed": self.seed,
                         "interval": _INTERVAL},
            "left_out": {"unreadable": [vars(one) for one in self.left_out.unreadable],
                         "unknown_captions": [vars(one) for one in self.left_out.sentences]}}
        return tables.to_json(self.rows, **about)

    def to_csv(self) -> str:
        """The figures as CSV."""
        return tables.to_csv(self.rows)

    def tables(self, *, narrow: bool = False) -> list[Table]:
        """A table a direction; ``narrow``: with the interval of the first k alone, so that a line
        fits into a terminal."""
        return [self._table(query, heading, narrow) for query, heading in _HEADINGS.items()]

    def _table(self, query: str, heading: str, narrow: bool) -> Table:
        rows = [row for row in self.rows if row["query"] == query]
        names = [f"recall@{k}" for k in self.ks]
        vocabularies = len({(row["model"], row["vocabulary"]) for row in rows}) > len(
            {row["model"] for row in rows})
        texts = ["model", *(["vocabulary"] if vocabularies else []), "sentences"]

        def line(row: tables.Row) -> list[str]:
            recalls = [share(row[name]) if narrow and at else tables.with_interval(row, name)
                       for at, name in enumerate(names)]
            median = f"{row['median_rank']:,g}" + ("" if narrow else (
                f" ({row['median_rank_low']:,g}–{row['median_rank_high']:,g})"))
            return [*(row[name] or NOTHING for name in texts), f"{row['images']:,}",
                    f"{row['captions']:,}", *recalls, median]

        def by_chance(row: tables.Row) -> list[str]:
            return [CHANCE, *[NOTHING] * (len(texts) - 1), f"{row['images']:,}",
                    f"{row['captions']:,}", *(share(row[f"chance@{k}"]) for k in self.ks),
                    f"{row['chance_median_rank']:,g}"]

        chances = {tuple(by_chance(row)): None for row in rows}
        return Table(heading, "Protocol of Kiros et al., 2014. In brackets: 95 % bootstrap "
                     "interval.",
                     [*texts, "images", "captions", *names, "median rank"],
                     [*map(line, rows), *map(list, chances)], texts=len(texts))

    def write_page(self, path: "str | os.PathLike[str]", *, force: bool = False) -> None:
        """An HTML page with the tables. It replaces a page of an evaluation, and any other file
        only with ``force``; raises ZslError."""
        from zsl_cli.evaluation import page_parts

        page_parts.write_tables(path, self.tables(), page_parts.about(
            self.captions, max(one.images for one in self.directions), self.left_out), force=force)
