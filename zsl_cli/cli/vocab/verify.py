"""``zsl vocab verify``: whether a vocabulary is what it should be."""

from dataclasses import asdict, replace
from pathlib import Path

import click

from zsl_cli.cli.terminal import options, printing
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.cli.terminal.progress import TerminalReporter
from zsl_cli.errors import ZslError
from zsl_cli.support import folders

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
    from zsl_cli.authoring.vocabularies.verification import verify

    folder = folders.find(folders.VOCABULARY, name)
    total = folders.read_manifest(folders.VOCABULARY, folder).labels
    checks = []
    with TerminalReporter().shown(quiet) as reporter:
        reporter.start("verifying", total, "labels")
        for check in verify(folder, index=not without_index, with_wordnet=similarity,
                            wordnet_folder=wordnet, advance=reporter.advance):
            checks.append(replace(check, message=as_options(check.message)))
            if not as_json:
                reporter.end()
                printing.put(f"{_MARKS[check.state]}  {check.name}: {checks[-1].message}")
                for example in check.examples:
                    printing.put(f"         {example}")
                reporter.start("verifying", total, "labels")
    wrong = [check for check in checks if check.state == "wrong"]
    if as_json:
        printing.put_json({"folder": str(folder), "ok": not wrong,
                           "checks": [asdict(check) for check in checks]})
    if wrong:
        first = wrong[0]
        raise ZslError(f"{folder}: {', '.join(check.name for check in wrong)}: wrong; "
                       f"{first.message}" + (f" ({first.examples[0]})" if first.examples else ""))
