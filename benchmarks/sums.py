"""Prints how well a photograph − a word + a word finds photographs, as a Markdown table.

    python benchmarks/sums.py [--data ../shared/data] [--half even|odd] [--triples]
                              [--sheet sheet.html]

--data: objects-seen, objects-unseen, groceries/val, imagenet-sample and flickr8k, whose photographs
    are all searched together.
--half: only every other triple, from the first or the second on. How words become terms of a sum
    was chosen on the even ones (see SentenceEncoder.terms).
--triples: print each triple and its ranks as well.
--sheet: write a contact sheet of the sums of twelve triples here, each with its photograph first.

The sums are those of ``zsl search --image PHOTO --minus WORD --plus WORD`` (Kiros et al., 2014,
an image − a word + a word). Which triples there are, and which photograph each has, is
a rule (see ``animals``, ``fruit``, ``places``), and so is what is right: class folders, names of
files and captions say it. The photograph of a triple is the first that fits, in the order of the
sets and of their files, and counts for nothing when it is found.
"""

import argparse
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np

from zsl_cli import Classifier
from zsl_cli.embedding import feature_cache
from zsl_cli.embedding.walk import images_in
from zsl_cli.evaluation import captions
from zsl_cli.evaluation.captions.caption_words import CaptionWords
from zsl_cli.photos.search import ordering, sheet
from zsl_cli.photos.search.exact import Exact
from zsl_cli.photos.search.queries import QueryEncoder
from zsl_cli.photos.search.request import AMONG, Query
from zsl_cli.photos.search.result import Hit, SearchResult
from zsl_cli.photos.search.space import JointSpace

K = 10
CLASSES = ("objects-seen", "objects-unseen", "groceries/val", "imagenet-sample")
CAPTIONS = "flickr8k"
ON_SHEET = 12  # triples
THE_SUM = "photo − word + word"

ANIMALS = ("cat", "dog", "bear", "monkey", "bird", "snake", "spider", "fish", "butterfly", "lizard",
           "fox", "turtle", "frog", "sheep", "wolf", "rabbit", "elephant", "shark", "beetle",
           "crab", "duck", "horse", "lobster", "kangaroo")
"""Each − its name + that of the next, the last one − its name + that of the first."""

FRUIT = {
    "apple": {"green": ["granny-smith"], "yellow": ["golden-delicious"],
              "red": ["pink-lady", "royal-gala"]},
    "pepper": {"red": ["red-bell-pepper"], "yellow": ["yellow-bell-pepper"],
               "orange": ["orange-bell-pepper"]},
    "citrus fruit": {"yellow": ["lemon"], "green": ["lime"], "orange": ["orange", "satsumas"]},
}
"""What the files of groceries call a fruit of each colour: every two of them, both ways."""

PLACES = {
    "dog": ("grass", "snow", "beach", "water"),
    "child": ("grass", "snow", "beach", "water"),
    "man": ("street", "mountain", "snow", "beach"),
}
"""Every two places, both ways."""


@dataclass(frozen=True)
class Photo:
    """A photograph: the rows of all labels that it shows, as far as its class or its captions say,
    and the name of its file, without a number."""

    path: str
    shows: frozenset[int]
    name: str


@dataclass(frozen=True)
class Triple:
    """photo − minus + plus. right: where the photographs are that should be found; thing: what
    stays, as a word."""

    kind: str
    photo: int
    minus: str
    plus: str
    thing: str
    right: frozenset[int]


@dataclass(frozen=True)
class Way:
    """How a triple is searched for. centre: whether what is found is reranked."""

    name: str
    query: Callable[[Triple], Query]
    centre: bool = False


def photographs(data, vocabulary):
    """All photographs, in the order of the sets and of their files."""
    above = vocabulary.hierarchy.ancestors
    for folder in CLASSES:
        for path in images_in(str(data / folder)):
            row = vocabulary.rows.get(Path(path).parent.name.partition("_")[0])
            shows = frozenset() if row is None else frozenset([row, *above(row)])
            yield Photo(path, shows, re.sub(r"_\d+$", "", Path(path).stem))
    captioned = captions.read(data / CAPTIONS / "captions.csv", data / CAPTIONS / "images")
    said = CaptionWords(vocabulary).of(captioned.captions)
    for path, shows in zip(captioned.paths, said.rows, strict=True):
        yield Photo(str(path), shows, "")


class Triples:
    """The triples over some photographs."""

    def __init__(self, photos, vocabulary):
        self._photos, self._words = photos, CaptionWords(vocabulary)

    def all(self):
        """Those of all kinds."""
        return [*self.animals(), *self.fruit(), *self.places()]

    def animals(self):
        """An animal − its name + the name of another one: photographs of the latter."""
        for minus, plus in zip(ANIMALS, [*ANIMALS[1:], ANIMALS[0]], strict=True):
            yield self._triple("animal − animal + animal", self._showing(minus),
                               self._showing(plus), minus, plus, "animal")

    def fruit(self):
        """A fruit − its colour + another colour: the same fruit in that colour."""
        for thing, colours in FRUIT.items():
            for minus, plus in permutations(colours, 2):
                yield self._triple("fruit − colour + colour", self._called(colours[minus]),
                                   self._called(colours[plus]), minus, plus, thing)

    def places(self):
        """A thing − the place where it is + another: the same thing there."""
        for thing, places in PLACES.items():
            for minus, plus in permutations(places, 2):
                there = self._showing(thing, plus)
                yield self._triple("thing − place + place", self._showing(thing, minus), there,
                                   minus, plus, thing)

    def _triple(self, kind, those, right, minus, plus, thing):
        photo = min(set(those) - set(right))
        return Triple(kind, photo, minus, plus, thing, frozenset(right))

    def _showing(self, *words):
        rows = {self._words.row(word) for word in words}
        assert None not in rows, words
        return [at for at, photo in enumerate(self._photos) if rows <= photo.shows]

    def _called(self, names):
        return [at for at, photo in enumerate(self._photos) if photo.name in names]


def ways(photos):
    """What is compared, the sum last but its reranking."""
    def photo(triple):
        return Path(photos[triple.photo].path)

    def the_sum(triple):
        return Query((photo(triple), triple.plus), (triple.minus,))

    return (
        Way("the photo alone", lambda triple: Query((photo(triple),))),
        Way("the added word alone", lambda triple: Query((triple.plus,))),
        Way("word and thing as words",
            lambda triple: Query((f"{triple.plus} {triple.thing}",))),
        Way("photo + word", lambda triple: Query((photo(triple), triple.plus))),
        Way(THE_SUM, the_sum),
        Way("the same, `--rerank centre`", the_sum, centre=True),
    )


class Gallery:
    """The photographs, searched as ``zsl search`` searches so few of them, exactly."""

    def __init__(self, photos, classifier):
        model, vocabulary = classifier.model, classifier.vocabulary
        features = feature_cache.embed(model, [photo.path for photo in photos],
                                       identity=feature_cache.identity_of(model))
        assert not features.failed, features.failed[0]
        rows = features.values.astype(np.float16)  # as catalogues have them
        space = JointSpace.of(model.dimension, vocabulary)
        self._paths = [photo.path for photo in photos]
        self._encoder = QueryEncoder(model, vocabulary, space,
                                     dict(zip(self._paths, rows, strict=True)).get)
        self._exact, self._vectors = Exact(rows, space), space.unit(rows)

    def found(self, way, triples):
        """For each triple all photographs, the nearest first; its own one is before them all."""
        vectors = self._encoder.encode([way.query(triple) for triple in triples])
        assert all(isinstance(vector, np.ndarray) for vector in vectors)
        for triple, scores in zip(triples, self._exact.scores(np.array(vectors)), strict=True):
            own, *others = sorted(range(len(scores)),
                                  key=lambda at: (at != triple.photo, -scores[at]))
            if way.centre:
                others[:AMONG] = self._by_centre(others[:AMONG])
            yield [Hit(self._paths[at], float(scores[at])) for at in (own, *others)]

    def _by_centre(self, order):
        hits = [ordering.Found(Hit(str(at), 0.0), self._vectors[at]) for at in order]
        return [int(one.hit.path) for one in ordering.by_centre(hits)]


def first_ranks(found, triples, photos):
    """The rank of the first right photograph, from 1 on, of each triple."""
    right = [{photos[at].path for at in triple.right} for triple in triples]
    return np.array([next(rank for rank, hit in enumerate(hits) if rank and hit.path in paths)
                     for hits, paths in zip(found, right, strict=True)])


def table(kinds, ranks):
    """Markdown: of each kind and way the success@10 and the median rank."""
    rows = [*dict.fromkeys(kinds), "all"]
    print("| query | " + " | ".join(f"{kind}: success@{K} | median rank" for kind in rows) + " |")
    print("|---|" + 2 * len(rows) * "--:|")
    members = [[row in (kind, "all") for kind in kinds] for row in rows]
    for name, found in ranks.items():
        cells = [f"{np.mean(found[of] <= K):.3f} | {np.median(found[of]):g}" for of in members]
        print(f"| {name} | " + " | ".join(cells) + " |")
    print("\n" + ", ".join(f"{row}: {sum(of)} triples"
                           for row, of in zip(rows, members, strict=True)))


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--half", choices=["even", "odd"])
    parser.add_argument("--triples", action="store_true")
    parser.add_argument("--sheet", type=Path)
    options = parser.parse_args()
    classifier = Classifier.load(device="cpu")
    photos = list(photographs(options.data.resolve(), classifier.vocabulary))
    gallery = Gallery(photos, classifier)
    triples = Triples(photos, classifier.vocabulary).all()
    if options.half:
        triples = triples[options.half == "odd"::2]
    ranks = {way.name: first_ranks(gallery.found(way, triples), triples, photos)
             for way in ways(photos)}
    table([triple.kind for triple in triples], ranks)
    if options.triples:
        print()
        for at, triple in enumerate(triples):
            name = "/".join(Path(photos[triple.photo].path).parts[-2:])
            print(f"{name} − {triple.minus} + {triple.plus} ({triple.thing}, "
                  f"{len(triple.right)} right): "
                  + ", ".join(str(found[at]) for found in ranks.values()))
    if options.sheet:
        way = next(way for way in ways(photos) if way.name == THE_SUM)
        shown = triples[::-(-len(triples) // ON_SHEET)]
        with options.sheet.open("wb") as file:
            sheet.write(file, [SearchResult(way.query(triple), tuple(hits[:1 + K]))
                               for triple, hits in zip(shown, gallery.found(way, shown),
                                                       strict=True)])


if __name__ == "__main__":
    main()
