"""``zsl models suggest``: models of the hub that are worth a try."""

from dataclasses import asdict

import click

from zsl_cli.cli.terminal import options, printing

_HEAD = ("zsl models pull", "licence", "size", "languages", "good for")


@click.command("suggest")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object, with the sources.")
@options.common
def command(as_json: bool, quiet: bool, verbose: bool, debug: bool) -> None:
    """List a few models for zsl models pull.

    None of them has been downloaded by the makers of zsl: licences and sizes were read where
    --verbose says. Nothing is fetched.
    """
    from zsl_cli.authoring.importing.suggestions import SUGGESTIONS

    if as_json:
        printing.put_json({"models": [asdict(one) for one in SUGGESTIONS]})
        return
    head = (*_HEAD, *(["read at"] if verbose else []))
    printing.put_table(head, [(
        one.repositories + (f" --variant {one.variant}" if one.variant else ""),
        one.license or "see its card",
        one.size + (f", {one.megabytes:,} MB" if one.megabytes else ""),
        one.languages, one.purpose, *([one.source] if verbose else [])) for one in SUGGESTIONS])
    if not any(one.tried for one in SUGGESTIONS):
        printing.note("none of these has been downloaded by the makers of zsl; read the licence "
                      "of what you pull")
