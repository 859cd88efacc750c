"""Says whether tables of common knowledge are right, how much they cover, and what to look at.

    python scripts/check_knowledge.py [FOLDER]

FOLDER has tables like those of zsl_cli/authoring/vocabularies/knowledge, which are taken without
it. Needs WordNet 3.0 (Debian: apt install wordnet-base). Exit status 1 where a table is wrong.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from zsl_cli import Vocabulary
from zsl_cli.authoring.vocabularies import knowledge, wordnet
from zsl_cli.authoring.vocabularies.knowledge import Knowledge
from zsl_cli.authoring.vocabularies.wordnet import WordNet
from zsl_cli.errors import ZslError

_FEW = 3  # classes; a thing that is seen beside fewer is told from them by chance


def main() -> int:
    """Read, print, and return the exit status."""
    try:
        words = wordnet.load(None)
        tables = knowledge.load(Path(sys.argv[1]) if len(sys.argv) > 1 else None, words)
    except ZslError as error:
        print(error, file=sys.stderr)
        return 1
    labels = {label.id for label in Vocabulary.load("default").labels}
    for line in (*_sizes(tables, labels), *_to_look_at(tables, words)):
        print(line)
    return 0


def _sizes(tables: Knowledge, labels: set[str]) -> Iterator[str]:
    """How many rows there are, and what they cover."""
    described = {*tables.looks, *tables.beside, *tables.classes}
    used = {id_ for weights in tables.looks.values() for id_ in weights}
    used.update(id_ for beside in tables.beside.values() for id_ in beside.shares)
    yield (f"{len(tables.everyday):,} everyday words, {len(tables.kinds):,} of kinds in between, "
           f"{len(tables.looks):,} looks, "
           f"{len(tables.beside):,} beside, {len(tables.sensitive):,} sensitive")
    yield (f"{len(labels & tables.looks.keys()):,} of {len(labels):,} labels of the default have "
           f"looks; {len(tables.plain.keys() - labels):,} plain words are no label of it yet")
    yield _named("everyday words that no table describes", [
        plain[0] for id_, plain in tables.everyday.items() if id_ not in described])
    yield _named("classes that no row uses", [
        name for id_, name in tables.classes.items() if id_ not in used])


def _to_look_at(tables: Knowledge, words: WordNet) -> Iterator[str]:
    """Rows that may be right, and that a person should look at."""
    yield _named("looks of classes, which need none", [
        tables.classes[id_] for id_ in tables.looks if id_ in tables.classes])
    yield _named("looks of a single class", [
        words.synsets[id_].words[0] for id_, weights in tables.looks.items() if len(weights) == 1])
    yield _named(f"beside fewer than {_FEW} classes", [
        words.synsets[id_].words[0] for id_, beside in tables.beside.items()
        if len(beside.shares) < _FEW])
    yield _named("more often to be seen than what is above it", [
        f"{words.synsets[id_].words[0]} ({words.synsets[above].words[0]})"
        for id_, beside in tables.beside.items() for above in words.ancestors(id_)
        if above in tables.beside and tables.beside[above].base_rate < beside.base_rate])
    yield _named("neither the first nor the second sense of the word", [
        plain[0] for id_, plain in tables.plain.items() if words.sense_rank(plain[0], id_) > 1
        and plain[0].lower() in words.senses])


def _named(what: str, names: list[str]) -> str:
    return f"\n{what}: {len(names)}\n  {', '.join(sorted(names)) or 'none'}"


if __name__ == "__main__":
    sys.exit(main())
