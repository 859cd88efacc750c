"""``zsl vocab verify``: whether a vocabulary is what it should be."""

import json
from dataclasses import asdict

import click

from zsl_cli import folders
from zsl_cli.cli import notes, options
from zsl_cli.cli.output import printable
from zsl_cli.cli.progress import Bar
from zsl_cli.errors import ZslError

_MARKS = {"ok": "ok   ", "note": "note ", "wrong": "WRONG"}


@click.command("verify")
@click.argument("name", default="default", metavar="[NAME|FOLDER]")
@click.option("--without-index", is_flag=True,
              help="Don't compare the HNSW index, which has to be built first, with exact search.")
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object.")
@options.common
def command(name: str, without_index: bool, as_json: bool, quiet: bool, verbose: bool,
            debug: bool) -> None:
    """Check a vocabulary's files, vectors, names, parents and index.

    Exit status 2 when something is wrong; what is only worth knowing is a note.
    """
    from zsl_cli.vocabulary_checks import check

    folder = folders.find(folders.VOCABULARY, name)
    total = folders.read_manifest(folders.VOCABULARY, folder)["labels"]
    checks = []
    with Bar.shown(quiet) as bar:
        if not quiet:
            notes.relay(bar.say)
        bar.start("verifying", total, "labels")
        for done in check(folder, index=not without_index, advance=bar.advance):
            checks.append(done)
            if not as_json and not quiet:
                bar.end()
                click.echo(f"{_MARKS[done.state]}  {done.name}: {printable(done.message)}")
                for example in done.examples:
                    click.echo(f"         {printable(example)}")
                bar.start("verifying", total, "labels")
    wrong = [done for done in checks if done.state == "wrong"]
    if as_json:
        click.echo(json.dumps({"folder": str(folder), "ok": not wrong,
                               "checks": [asdict(done) for done in checks]}, indent=2))
    if wrong:
        first = wrong[0]
        raise ZslError(f"{folder}: {', '.join(done.name for done in wrong)}: wrong; "
                       f"{first.message}" + (f" ({first.examples[0]})" if first.examples else ""))
