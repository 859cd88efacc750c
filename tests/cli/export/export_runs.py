"""``zsl export`` in this process."""

import os

import click
import pytest

from zsl_cli.cli.export import command
from zsl_cli.errors import ZslError


def run(workplace, *arguments):
    """``zsl export`` in this process: torch takes its time to start."""
    os.chdir(workplace)
    command.main([*arguments], standalone_mode=False)


def refused(workplace, *arguments):
    """The message of an export that fails and leaves nothing behind."""
    before = {path.name for path in workplace.iterdir()}
    with pytest.raises((ZslError, click.UsageError)) as caught:
        run(workplace, *arguments, "-o", "out")
    assert {path.name for path in workplace.iterdir()} - {"__pycache__"} == before
    return str(caught.value)
