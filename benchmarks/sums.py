"""Prints how well a photograph − a word + a word finds photographs, as a Markdown table.

    python benchmarks/sums.py [--data ../shared/data] [--half even|odd] [--sheet sheet.html]

--data: objects-seen, objects-unseen, groceries/val, imagenet-sample and flickr8k, whose photographs
    are all searched together.
--half: only every other triple of a kind, from the first or the second on.
--triples: print each triple and its ranks as well.
--sheet: write a contact sheet of the sums of some triples here.

The sums are those of ``zsl search --image PHOTO --minus WORD --plus WORD`` (Kiros et al., 2014,
section 4.3: an image − a word + a word). Which triples there are, and which photograph each has, is
a rule (see ``animals``, ``fruit``, ``places``), and so is what is right: class folders, names of
files and captions say it. The photograph of a triple is the first that fits, in the order of the
sets and of their files, and counts for nothing when it is found.
"""

import argparse
import re
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
ON_SHEET = 4  # triples of a kind
SHOWN = 10

ANIMALS = ("cat dog bear monkey bird snake spider fish butterfly lizard fox turtle frog sheep wolf "
           "rabbit elephant shark beetle crab duck horse lobster kangaroo").split()
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
    """How a triple is searched for."""

    name: str
    query: "object"
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
        Way("photo − word + word", the_sum),
        Way("the same, `--rerank centre`", the_sum, centre=True),
    )


class Gallery:
    """The photographs, searched as by ``zsl search``: the exact search that libraries have up to
    20,000 photographs."""

    def __init__(self, photos, classifier):
        model, vocabulary = classifier.model, classifier.vocabulary
        features = feature_cache.embed(model, [photo.path for photo in photos],
                                       identity=feature_cache.identity_of(model))
        assert not features.failed, features.failed[0]
        self._photos = photos
        rows = features.values.astype(np.float16)  # as catalogues have them
        space = JointSpace.of(model.dimension, vocabulary)
        known = dict(zip((photo.path for photo in photos), rows, strict=True))
        self._encoder = QueryEncoder(model, vocabulary, space, known.get)
        self._exact, self._vectors = Exact(rows, space), space.unit(rows)

    def found(self, queries, photos, *, centre=False):
        """For each query all photographs but its own, the nearest first, as hits and where they
        are. centre: the first AMONG by how near they are to their centre."""
        vectors = np.array(self._encoder.encode(queries))
        for own, scores in zip(photos, self._exact.scores(vectors), strict=True):
            order = [at for at in np.argsort(-scores, kind="stable").tolist() if at != own]
            hits = [Hit(self._photos[at].path, float(scores[at])) for at in order]
            if centre:
                first = ordering.by_centre([ordering.Found(hit, self._vectors[at]) for hit, at in
                                            zip(hits[:AMONG], order, strict=False)])
                where = {photo.path: at for at, photo in enumerate(self._photos)}
                hits[:AMONG] = [one.hit for one in first]
                order[:AMONG] = [where[hit.path] for hit in hits[:AMONG]]
            yield hits, order


def first_ranks(gallery, triples, way):
    """The rank of the first right photograph, from 1 on, of each triple."""
    found = gallery.found([way.query(triple) for triple in triples],
                          [triple.photo for triple in triples], centre=way.centre)
    return np.array([1 + next(rank for rank, at in enumerate(order) if at in triple.right)
                     for triple, (_, order) in zip(triples, found, strict=True)])


def table(kinds, ranks):
    """Markdown: of each kind and way the success@10 and the median rank."""
    rows = [*dict.fromkeys(kinds), "all"]
    print("| query | " + " | ".join(f"{kind}: success@{K} | median rank" for kind in rows) + " |")
    print("|---|" + 2 * len(rows) * "--:|")
    members = [[kind == row or row == "all" for kind in kinds] for row in rows]
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
    compared = ways(photos)
    ranks = {way.name: first_ranks(gallery, triples, way) for way in compared}
    table([triple.kind for triple in triples], ranks)
    if options.triples:
        print()
        for at, triple in enumerate(triples):
            print(f"{Path(photos[triple.photo].path).name} − {triple.minus} + {triple.plus} "
                  f"({triple.thing}, {len(triple.right)} right): "
                  + ", ".join(str(found[at]) for found in ranks.values()))


if __name__ == "__main__":
    main()
