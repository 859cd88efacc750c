"""The nouns of Princeton WordNet 3.0, from its database files (see wndb(5WN))."""

import os
import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

from zsl_cli.errors import ZslError
from zsl_cli.support.wording import printable

PERSON = "n00007846"
_VERSION = re.compile(r"\bWordNet\W+(?:Release\W+)?([0-9]+(?:\.[0-9]+)*)")
_DOG = "n02084071"  # in version 3.0 alone
_WHOLE = 50_000  # synsets; a database with fewer is an extract
_DEEPEST = 200  # synsets one above the other; there are up to 20
_PLACES = (Path("/usr/share/wordnet"), Path("/usr/local/share/wordnet/dict"),
           Path("/usr/local/WordNet-3.0/dict"), Path("/opt/homebrew/opt/wordnet/dict"))


@dataclass(frozen=True)
class Synset:
    """A sense: ``n`` and its offset as id, its words, its definition, the ids right above it."""

    id: str
    words: tuple[str, ...]
    definition: str
    hypernyms: tuple[str, ...]


class WordNet:
    """Noun synsets by id, the senses of each word, and how often a sense was tagged in text."""

    def __init__(self, folder: Path) -> None:
        """Read ``data.noun``, ``index.noun`` and ``cntlist.rev``; raises ZslError, also for
        another version, in which the same ids are those of other nouns."""
        try:
            _check_version(folder / "data.noun")
            self.synsets = dict(_synsets(_lines(folder / "data.noun")))
            self.senses = dict(_senses(_lines(folder / "index.noun")))
            self._tags, self._totals = _tags(
                (folder / "cntlist.rev").read_text("utf-8").splitlines())
            _check_graph(self.synsets, self.senses)
        except OSError as error:
            raise ZslError(f"{error.filename}: {error.strerror}; give the folder of WordNet 3.0's "
                           "database files (Debian: apt install wordnet-base)") from error
        except (ValueError, IndexError) as error:
            raise ZslError(f"{folder}: not WordNet 3.0's database files ({error})") from error
        if len(self.synsets) > _WHOLE and _DOG not in self.senses.get("dog", ()):
            raise _other_version(folder, "another version of WordNet")
        self._above: dict[str, frozenset[str]] = {}

    def ancestors(self, id_: str) -> frozenset[str]:
        """The ids above a synset by any path, itself included."""
        if id_ not in self._above:
            self._above[id_] = frozenset([id_]).union(
                *(self.ancestors(parent) for parent in self.synsets[id_].hypernyms))
        return self._above[id_]

    def nearest_ancestors(self, id_: str, among: Collection[str]) -> list[str]:
        """The closest ids above a synset that are ``among`` the given ones, on each path."""
        nearest: dict[str, None] = {}
        seen: set[str] = set()
        ahead = [*reversed(self.synsets[id_].hypernyms)]
        while ahead:
            above = ahead.pop()
            if above in among:
                nearest[above] = None
            elif above not in seen:
                seen.add(above)
                ahead += reversed(self.synsets[above].hypernyms)
        return [id_ for id_ in nearest if not any(
            id_ != other and id_ in self.ancestors(other) for other in nearest)]

    def sense_rank(self, word: str, id_: str) -> int:
        """The place of a synset among the senses of a word, the most frequent first, from 0."""
        senses = self.senses.get(word.lower(), ())
        return senses.index(id_) if id_ in senses else len(senses)

    def tag_count(self, word: str, id_: str) -> int:
        """How often a word was tagged with this sense in WordNet's semantic concordance."""
        return self._tags.get((word.lower(), self.sense_rank(word, id_) + 1), 0)

    def total_count(self, word: str) -> int:
        """How often a word was tagged at all there, as a noun or anything else."""
        return self._totals[word.lower()]


def find_folder(folder: Path | None) -> Path:
    """The given folder, or the first usual place that holds WordNet; raises ZslError.

    As with WordNet's own programs, WNSEARCHDIR in the environment takes the place of the usual
    ones.
    """
    if folder is not None:
        return folder
    named = os.environ.get("WNSEARCHDIR")
    for place in [Path(named)] if named else _PLACES:
        if (place / "data.noun").is_file():
            return place
    if named:
        raise ZslError(f"no data.noun in {named}, which $WNSEARCHDIR names")
    raise ZslError("WordNet 3.0 is not found; give its folder with `wordnet` "
                   "(Debian: apt install wordnet-base)")


def load(folder: Path | None) -> WordNet:
    """WordNet from the given folder, or from where it usually lies; raises ZslError."""
    return WordNet(find_folder(folder))


def _check_version(path: Path) -> None:
    """Raise ZslError where the licence, with which the file begins, names other versions alone."""
    licence = ""
    with path.open(encoding="utf-8") as file:
        for line in file:
            if not line.startswith("  "):
                break
            licence += line
    versions = _VERSION.findall(licence)
    if "Open English" in licence or (versions and "3.0" not in versions):
        what = "Open English WordNet" if "Open English" in licence else f"WordNet {versions[0]}"
        raise _other_version(path, what)


def _other_version(path: Path, what: str) -> ZslError:
    return ZslError(f"{path}: {what}, whose ids differ from those of WordNet 3.0; give the folder "
                    "of WordNet 3.0's database files (Debian: apt install wordnet-base)")


def _lines(path: Path) -> list[str]:
    """A database file without its licence, which is indented by two spaces."""
    return [line for line in path.read_text("utf-8").splitlines() if not line.startswith("  ")]


def _synsets(lines: Iterable[str]) -> Iterable[tuple[str, Synset]]:
    for line in lines:
        data, gloss = line.split(" | ", 1)
        fields = data.split()
        words = int(fields[3], 16)
        pointers = fields[4 + 2 * words:]
        hypernyms = tuple(
            "n" + pointers[at + 1] for at in range(1, 4 * int(pointers[0]) + 1, 4)
            if pointers[at] in ("@", "@i"))  # hypernym, and the class of an instance
        if words < 1:
            raise ValueError(f"a synset without words: {printable(line)[:40]}")
        id_ = "n" + fields[0]
        yield id_, Synset(id_, tuple(fields[4 + 2 * i].replace("_", " ") for i in range(words)),
                          gloss.split('; "')[0].strip(), hypernyms)


def _senses(lines: Iterable[str]) -> Iterable[tuple[str, tuple[str, ...]]]:
    for line in lines:
        fields = line.split()
        yield (fields[0].replace("_", " "),
               tuple("n" + offset for offset in fields[-int(fields[2]):]))


def _check_graph(synsets: dict[str, Synset], senses: dict[str, tuple[str, ...]]) -> None:
    """Raise ValueError where one leads to what is not there, or goes on above itself."""
    named = {id_ for synset in synsets.values() for id_ in synset.hypernyms}.union(*senses.values())
    if missing := sorted(named - synsets.keys()):
        raise ValueError(f"no synset {printable(missing[0])[:40]}")
    depths: dict[str, int] = {}
    for id_ in TopologicalSorter({one.id: one.hypernyms for one in synsets.values()}
                                 ).static_order():  # of a circle it raises a ValueError
        depths[id_] = 1 + max(map(depths.__getitem__, synsets[id_].hypernyms), default=0)
    if max(depths.values(), default=0) > _DEEPEST:
        raise ValueError(f"more than {_DEEPEST} synsets one above the other")


def _tags(lines: Iterable[str]) -> tuple[dict[tuple[str, int], int], Counter[str]]:
    """Counts of noun senses by (word, sense number), and of words in all parts of speech."""
    counts: dict[tuple[str, int], int] = {}
    totals: Counter[str] = Counter()
    for line in lines:
        key, number, count = line.split()
        word, _, rest = key.replace("_", " ").partition("%")
        totals[word] += int(count)
        if rest.startswith("1:"):
            counts[word, int(number)] = int(count)
    return counts, totals
