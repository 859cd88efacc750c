"""What labels there are to be: from WordNet, a list, a table, or the class folders of a dataset."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from zsl_cli.authoring.vocabularies import knowledge, label_files, labelset
from zsl_cli.authoring.vocabularies.wordnet import PERSON, WordNet, load
from zsl_cli.errors import ZslError
from zsl_cli.evaluation import class_folders
from zsl_cli.support.names import set_paths
from zsl_cli.support.numbering import without_numbers
from zsl_cli.support.progress import SILENT, Reporter
from zsl_cli.support.wording import counted, some
from zsl_cli.vocabulary.hierarchy.hypernyms import Hierarchy
from zsl_cli.vocabulary.names.class_names import WORDNET_ID
from zsl_cli.vocabulary.names.label import Label, normal_name
from zsl_cli.vocabulary.words import listed

WORDNET = "wordnet"
_IMAGENET = {"imagenet-21k": "imagenet21k_goog", "imagenet-1k": "imagenet"}


@dataclass(frozen=True)
class Places:
    """Where WordNet's database files and ImageNet's class lists are; None for the usual places. A
    path may be a text, too."""

    wordnet: Path | None = None
    class_lists: Path | None = None

    def __post_init__(self) -> None:
        set_paths(self, "wordnet", "class_lists")


def read(source: str, places: Places, *, persons: bool = False,
         reporter: Reporter = SILENT) -> list[Label]:
    """The labels that ``source`` stands for, without any vectors.

    source: ``wordnet`` (all nouns), ``wordnet:LABEL`` (what lies below a synset, by id or word),
        ``imagenet-21k``, ``imagenet-1k``; or a path: a folder of class folders, a ``.csv`` or
        ``.tsv`` table, ``.jsonl``, or a text with a label a line.
    persons: whether labels from WordNet's subtree of persons stay, which holds slurs and
        judgements.

    Raises ZslError with file and line.
    """
    kind, colon, root = source.partition(":")
    if kind == WORDNET and colon and not root.strip():
        raise ZslError(f"`labels={source}`: what lies below which noun? Give a word or an id, such "
                       "as wordnet:animal, or wordnet alone for all")
    if kind == WORDNET or source in _IMAGENET:
        return _from_wordnet(source, root if kind == WORDNET else "", places, persons, reporter)
    path = Path(source)
    if path.is_dir():
        return _checked(path, _named(path, _folders(path), places), reporter)
    if not path.is_file():
        raise ZslError(f"`labels={source}`: no such file or folder, and none of wordnet, "
                       f"wordnet:LABEL, {', '.join(_IMAGENET)}")
    return _checked(path, _named(path, ((f"line {number}", label) for number, label in
                                        label_files.read(path, reporter)), places), reporter)


def relinked(labels: Sequence[Label], keep: Sequence[bool]) -> Iterator[Label]:
    """The labels that are kept; a parent that is not is replaced by its own nearest ones that
    are."""
    gone = {label.id: label.parents for label, kept in zip(labels, keep, strict=True) if not kept}
    nearest: dict[str, tuple[str, ...]] = {}  # to each of those, as far as it has been asked for

    def above(parents: Sequence[str]) -> tuple[str, ...]:
        """Each parent that is kept, and the nearest to each of the others."""
        found = [nearest.get(one, ()) if one in gone else (one,) for one in dict.fromkeys(parents)]
        return found[0] if len(found) == 1 else tuple(dict.fromkeys(chain.from_iterable(found)))

    def resolve(parents: Sequence[str]) -> tuple[str, ...]:
        """As ``above``, after what that needs; without recursion, since a chain may be long."""
        ahead = [*parents]
        entered: set[str] = set()
        while ahead:
            one = ahead[-1]
            if one in gone and one not in nearest and one not in entered:
                entered.add(one)
                ahead += gone[one]
                continue
            ahead.pop()
            if one in entered and one not in nearest:
                nearest[one] = above(gone[one])
        return above(parents)

    for label, kept in zip(labels, keep, strict=True):
        if kept:
            yield (label if gone.keys().isdisjoint(label.parents) else
                   replace(label, parents=resolve(label.parents)))


def _from_wordnet(source: str, root: str, places: Places, persons: bool,
                  reporter: Reporter) -> list[Label]:
    wordnet = load(places.wordnet)
    if source in _IMAGENET:
        ids = [id_ for id_ in labelset.imagenet_ids(_IMAGENET[source], places.class_lists)
               if id_ in wordnet.synsets]
    elif root:
        top = _synset(wordnet, root)
        ids = [id_ for id_ in wordnet.synsets if top in wordnet.ancestors(id_)]
        persons = persons or PERSON in wordnet.ancestors(top)
    else:
        ids = list(wordnet.synsets)
    known = knowledge.load()
    chosen = ids if persons else labelset.choose(wordnet, known.plain, ids)
    if len(chosen) < len(ids):
        reporter.say(f"left out {counted(len(ids) - len(chosen), 'label')} of persons, many of "
                     "them slurs or judgements; `persons` keeps them")
    # The most frequent sense of a word comes first, since it is what the word stands for.
    chosen = sorted(chosen, key=lambda id_: (
        wordnet.sense_rank(wordnet.synsets[id_].words[0], id_), id_))
    return labelset.describe(wordnet, chosen, (), known.plain, known.sensitive)


def _synset(wordnet: WordNet, text: str) -> str:
    """The synset that an id or a word stands for, the most frequent sense first."""
    senses = wordnet.senses.get(text.replace("_", " ").lower(), ())
    if text not in wordnet.synsets and not senses:
        raise ZslError(f"`labels=wordnet:{text}`: WordNet has no such noun or id")
    return text if text in wordnet.synsets else senses[0]


def _checked(path: Path, placed: Iterable[tuple[str, Label]],
             reporter: Reporter) -> list[Label]:
    """The labels of a user's file or folder, each with its place there; ids and parents hold
    together, and names that stand twice are marked."""
    places: dict[str, str] = {}
    labels: dict[str, Label] = {}
    names: dict[str, list[str]] = {}
    again = []
    for place, label in placed:
        if label.id in labels:
            if label != labels[label.id]:
                raise ZslError(f"{path}, {place}: id {label.id!r} is that of {places[label.id]}, "
                               "too")
            again.append(label.id)
            continue
        labels[label.id], places[label.id] = label, place
        names.setdefault(normal_name(label.name), []).append(label.id)
    if not labels:
        raise ZslError(f"{path}: no label in it")
    if again:
        reporter.say(f"taken once, though they are repeated: {some(again)}")
    _check_parents(path, labels, places, reporter)
    ambiguous = {id_ for ids in names.values() if len(ids) > 1 for id_ in ids}
    return [replace(label, ambiguous=label.id in ambiguous) for label in labels.values()]


def _check_parents(path: Path, labels: dict[str, Label], places: dict[str, str],
                   reporter: Reporter) -> None:
    ids = list(labels)
    cycles = Hierarchy(ids, [label.parents for label in labels.values()]).cycles()
    if cycles:
        cycle = [ids[row] for row in [*cycles[0], cycles[0][0]]]
        raise ZslError(f"{path}, {places[cycle[0]]}: a label lies below itself: "
                       + " < ".join(cycle))
    strangers = {parent: places[label.id] for label in labels.values() for parent in label.parents
                 if parent not in labels}
    if strangers:
        reporter.say("parents that are no labels themselves count for nothing: "
                     f"{some(list(strangers))} ({next(iter(strangers.values()))})")


def _folders(path: Path) -> Iterator[tuple[str, Label]]:
    """The class folders of a dataset: ``tabby_cat``, ``n02123045`` or ``n02123045_tabby``."""
    names = class_folders.names_in(path)
    for name, text in zip(names, without_numbers(names), strict=True):
        yield f"class folder {name!r}", listed.label(text)


def _named(path: Path, placed: Iterable[tuple[str, Label]],
           places: Places) -> Iterator[tuple[str, Label]]:
    """The labels, those that are nothing but an id of WordNet with what it says of them; raises
    ZslError."""
    wordnet: WordNet | None = None
    for place, label in placed:
        if label.name != label.id or not WORDNET_ID.fullmatch(label.id):
            yield place, label
            continue
        wordnet = wordnet or load(places.wordnet)
        if label.id not in wordnet.synsets:
            raise ZslError(f"{path}, {place}: WordNet has no noun {label.id}")
        synset = wordnet.synsets[label.id]
        yield place, Label(label.id, synset.words[0], synset.words[1:], synset.definition)
