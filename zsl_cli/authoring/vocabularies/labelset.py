"""Which nouns are labels, and what is said about each."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from zsl_cli.authoring.vocabularies.rare_senses import rare_names
from zsl_cli.authoring.vocabularies.wordnet import PERSON, WordNet
from zsl_cli.errors import MissingExtraError, ZslError
from zsl_cli.vocabulary.names.label import Label


def imagenet_ids(name: str, folder: Path | None = None) -> list[str]:
    """The WordNet ids of an ImageNet release, from a class list that the package timm carries
    (``imagenet``: the 1,000 of ILSVRC-2012 in the order of a classifier's outputs;
    ``imagenet21k_goog``: 21,843). Raises ZslError."""
    if folder is None:
        spec = find_spec("timm")  # found, not imported: that would need torchvision
        if spec is None or not spec.submodule_search_locations:
            raise MissingExtraError("timm", "checkpoints", "a list of ImageNet's classes, where "
                                    "no folder of <name>_synsets.txt is given with `class_lists`,")
        folder = Path(spec.submodule_search_locations[0]) / "data" / "_info"
    path = folder / f"{name}_synsets.txt"
    try:
        return path.read_text("utf-8").split()
    except OSError as error:
        raise ZslError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ZslError(f"{path}: not a list of WordNet ids ({error})") from error


def choose(wordnet: WordNet, people: Collection[str], *sources: Iterable[str]) -> list[str]:
    """The ids of all sources, sorted; of persons those among ``people`` alone, since WordNet's
    other words for them are judgements and slurs."""
    ids = {id_ for source in sources for id_ in source if id_ in wordnet.synsets}
    return sorted(id_ for id_ in ids
                  if id_ in people or PERSON not in wordnet.ancestors(id_))


def describe(wordnet: WordNet, ids: Sequence[str], seen: Collection[str],
             everyday: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
             sensitive: Collection[str] = ()) -> list[Label]:
    """A Label for each id; parents are the nearest ones that are labels too.

    everyday: the plain words of ids. sensitive: the ids whose word embarrasses where it is wrong.
    """
    among, seen = set(ids), set(seen)
    spelled = Counter(word.casefold() for id_ in ids for word in set(wordnet.synsets[id_].words))
    labels = []
    for id_ in ids:
        synset = wordnet.synsets[id_]
        name = synset.words[0]
        labels.append(Label(
            id=id_, name=name, synonyms=synset.words[1:], gloss=synset.definition,
            parents=tuple(wordnet.nearest_ancestors(id_, among)),
            ambiguous=spelled[name.casefold()] > 1, seen=id_ in seen,
            plain=tuple(everyday.get(id_, ())), sensitive=id_ in sensitive,
            rare=rare_names(wordnet, id_, among)))
    return labels
