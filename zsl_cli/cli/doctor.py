"""``zsl doctor``: what is installed, which device will be used, what is wrong."""

import click

from zsl_cli.cli.terminal import options, printing
from zsl_cli.cli.terminal.parameters import as_options


@click.command("doctor")
@options.common
def command(quiet: bool, verbose: bool, debug: bool) -> int:
    """Say what is installed, which device will be used, and what is wrong.

    The exit status is 2 when the default model or vocabulary cannot be used.
    """
    from zsl_cli.classifier.diagnosis import diagnose

    problems = 0
    for finding in diagnose():
        problems += finding.is_problem
        if finding.is_problem or not quiet:
            printing.put(("PROBLEM  " if finding.is_problem else "         ")
                         + as_options(finding.message))
    if not quiet:
        printing.put()
        printing.put(f"{problems} problem(s)" if problems else "Nothing is wrong.")
    return 2 if problems else 0
