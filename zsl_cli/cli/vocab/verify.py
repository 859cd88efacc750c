"""``zsl vocab verify``: whether a vocabulary is what it should be."""

from dataclasses import asdict
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zsl_cli.cli.terminal import notes, options, printing
from zsl_cli.cli.terminal.progress import Bar
from zsl_cli.errors import ZslError
from zsl_cli.support import folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from zsl_cli.authoring.vocabularies.wordnet import WordNet
    from zsl_cli.vocabulary.checks import Check
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_MARKS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}


@click.command("verify")
@click.argument("name", default="default", metavar="[NAME|FOLDER]")
@click.option("--without-index", is_flag=True,
              help="Don't compare the HNSW index, which has to be built first, with exact search.")
@click.option("--similarity", is_flag=True,
              help="Compare the vectors with WordNet's path similarity, too.")
@options.wordnet
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
@options.common
def command(name: str, without_index: bool, similarity: bool, wordnet: Path | None, as_json: bool,
            quiet: bool, verbose: bool, debug: bool) -> None:
    """Check a vocabulary's files, vectors, names, parents and index.

    Exit status 2 when something is wrong; what is only worth knowing is a note.
    """
    folder = folders.find(folders.VOCABULARY, name)
    total = folders.read_manifest(folders.VOCABULARY, folder).labels
    nouns = cache(partial(_wordnet, wordnet)) if similarity else None
    if nouns and wordnet is not None:
        nouns()  # a folder that is named and is none is said at once
    checks = []
    with Bar.shown(quiet) as bar:
        if not quiet:
            notes.relay()
        bar.start("verifying", total, "labels")
        for done in _checks(folder, not without_index, nouns, bar.advance):
            checks.append(done)
            if not as_json:
                bar.end()
                printing.put(f"{_MARKS[done.state]}  {done.name}: {done.message}")
                for example in done.examples:
                    printing.put(f"         {example}")
                bar.start("verifying", total, "labels")
    wrong = [done for done in checks if done.state == "wrong"]
    if as_json:
        printing.put_json({"folder": str(folder), "ok": not wrong,
                          "checks": [asdict(done) for done in checks]})
    if wrong:
        first = wrong[0]
        raise ZslError(f"{folder}: {', '.join(done.name for done in wrong)}: wrong; "
                       f"{first.message}" + (f" ({first.examples[0]})" if first.examples else ""))


def _wordnet(folder: Path | None) -> "WordNet":
    from zsl_cli.authoring.vocabularies.wordnet import WordNet, find_folder

    return WordNet(find_folder(folder))


def _checks(folder: Path, index: bool, wordnet: "Callable[[], WordNet] | None",
            advance: "Callable[[int], object]") -> "Iterator[Check]":
    """The checks of the core, and behind them, if the files can be read at all, the comparison
    with WordNet."""
    from zsl_cli.vocabulary.checks import check, check_files

    files, vocabulary = check_files(folder)
    yield files
    if vocabulary is None:
        return
    yield from check(vocabulary, index=index, advance=advance)
    if wordnet is not None:
        yield _similarity(vocabulary, wordnet)


def _similarity(vocabulary: "Vocabulary", wordnet: "Callable[[], WordNet]") -> "Check":
    """What was asked for and cannot be compared is wrong; the other checks stand all the same."""
    from zsl_cli.authoring.vocabularies.similarity import agreement
    from zsl_cli.vocabulary.checks import Check

    try:
        result = agreement([label.name for label in vocabulary.labels], vocabulary.meanings,
                           wordnet())
    except ZslError as error:
        return Check("similarity", "wrong", f"not compared: {error}")
    return Check("similarity", "note", str(result) if result else
                 "too few of the names are nouns that WordNet knows")
