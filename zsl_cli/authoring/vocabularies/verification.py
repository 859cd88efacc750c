"""Whether a vocabulary is what it should be: its files and parts, and how far its vectors agree
with WordNet."""

from collections.abc import Callable, Iterator
from pathlib import Path

from zsl_cli.authoring.vocabularies import similarity, wordnet
from zsl_cli.errors import ZslError
from zsl_cli.vocabulary.checks import Check, check, check_files
from zsl_cli.vocabulary.vocabulary import Vocabulary


def verify(folder: Path, *, index: bool = True, with_wordnet: bool = False,
           wordnet_folder: Path | None = None,
           advance: Callable[[int], object] = lambda _done: None) -> Iterator[Check]:
    """The checks of a vocabulary folder, each as it is done.

    index: see checks.check. advance: see nearest.Hnsw.
    with_wordnet: whether to compare the vectors with WordNet's path similarity, too.
    wordnet_folder: of WordNet's database files; None for where they usually lie.

    Raises ZslError for a folder that is named and holds no WordNet.
    """
    if with_wordnet and wordnet_folder is not None:
        nouns = wordnet.load(wordnet_folder)  # said at once
        return _checks(folder, index, advance, lambda: nouns)
    return _checks(folder, index, advance, (lambda: wordnet.load(None)) if with_wordnet else None)


def _checks(folder: Path, index: bool, advance: Callable[[int], object],
            nouns: Callable[[], wordnet.WordNet] | None) -> Iterator[Check]:
    files, vocabulary = check_files(folder)
    yield files
    if vocabulary is None:
        return
    yield from check(vocabulary, index=index, advance=advance)
    if nouns is not None:
        yield _similarity(vocabulary, nouns)


def _similarity(vocabulary: Vocabulary, nouns: Callable[[], wordnet.WordNet]) -> Check:
    """What was asked for and cannot be compared is wrong; the other checks stand all the same."""
    try:
        agreement = similarity.agreement([label.name for label in vocabulary.labels],
                                         vocabulary.meanings, nouns())
    except ZslError as error:
        return Check("similarity", "wrong", f"not compared: {error}")
    return Check("similarity", "note", str(agreement) if agreement else
                 "too few of the names are nouns that WordNet knows")
