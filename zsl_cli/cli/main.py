"""The ``zsl`` program: its commands, loaded when they are used, and its exit status."""

import importlib
import os
import sys
import warnings
from collections.abc import Sequence
from typing import NoReturn

import click

from zsl_cli.cli.terminal import printing
from zsl_cli.cli.terminal.groups import Group
from zsl_cli.cli.terminal.interrupt import interrupts
from zsl_cli.errors import ZslError
from zsl_cli.support.version import __version__

COMMANDS = {
    "classify": "Say what is in each IMAGE: a file, a folder, a pattern, or - for standard input.",
    "label": "Name what is in every photo of a FOLDER; run again, it does only what is new or "
             "changed.",
    "index": "Read every photo of a FOLDER once; then it is searched and labelled without being "
             "opened.",
    "catalogues": "List, show, verify and remove what zsl index and zsl label know of photos.",
    "search": "Find the photos that WORDS describe, a word or a sentence, among those that are "
              "indexed.",
    "annotate": "Say which sentences fit each PHOTO best: a file, a folder or a pattern.",
    "teach": "Correct a label once: LABEL learns from each PHOTO, a file, a folder or a pattern.",
    "models": "List, show, verify, fetch, import and calibrate model folders.",
    "vocab": "Build, train, look at and verify vocabulary folders.",
    "lessons": "List, forget, hand on, take over and rebuild what zsl teach taught.",
    "export": "Turn a trained PyTorch CHECKPOINT into a model folder.",
    "train": "Train the projection M on DATA.",
    "eval": "Measure models on DATASET.",
    "doctor": "Say what is installed, which device will be used, and what is wrong.",
}
"""The commands in the order in which a newcomer meets them, and what each does: the first sentence
of its help, so that ``zsl --help`` need not import them."""


class QuietEndError(Exception):
    """A quiet end with this exit status; click would print something of its own."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class LazyGroup(Group):
    """A group whose commands are modules of ``zsl_cli.cli``, imported when they are needed."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Those of COMMANDS."""
        return list(COMMANDS)

    def format_commands(self, _ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click's, from COMMANDS alone."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command object of ``zsl_cli.cli.NAME``."""
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"zsl_cli.cli.{cmd_name}").command

    def invoke(self, ctx: click.Context) -> object:
        """As click's, but an interrupt and a closed pipe end the program without a word."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise QuietEndError(getattr(error, "status", 130)) from error
        except BrokenPipeError as error:  # the reader has what it wanted
            raise QuietEndError(0) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="zsl")
def zsl() -> None:
    """Say what is in photos, out of tens of thousands of labels, on this machine alone."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the program and leave with its exit status: 0 all well, 1 some inputs failed, 2 wrong
    use or set-up, 130 interrupted."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    _prepare_streams()
    warnings.simplefilter("ignore")  # libraries' remarks, such as Pillow's on odd metadata
    try:
        with interrupts():
            if asked := os.environ.get("_ZSL_COMPLETE"):  # by a shell: how a word could go on
                importlib.import_module("zsl_cli.cli.terminal.completion").check(asked)
            status = zsl.main(args=arguments, prog_name="zsl", standalone_mode=False) or 0
            sys.stdout.flush()
    except SystemExit:  # click's own end when the reader of its help has gone
        status = 0
    except QuietEndError as stop:
        status = stop.status
    except (KeyboardInterrupt, click.Abort):
        status = 130
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except Exception as error:
        if "--debug" in arguments:
            sys.excepthook(type(error), error, error.__traceback__)
        else:
            _say(error)
        status = 2
    _leave(status)


def _prepare_streams() -> None:
    while (spare := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass  # a stream that whoever started us has closed: no file of ours may get its number
    os.close(spare)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = printing.ClosedOutput()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not every name is text in the locale's encoding
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _say(error: Exception) -> None:
    first, *more = _explain(error).splitlines() or [""]
    printing.say(first)
    for line in more:
        printing.say(line, before="")


def _explain(error: Exception) -> str:
    """What a user is told of an error."""
    if isinstance(error, ZslError):
        return str(error)
    if isinstance(error, OSError):  # a full disk behind standard output, say
        where = error.filename or "cannot write the output"
        return f"{where}: {error.strerror or error}"
    if isinstance(error, MemoryError):
        return "out of memory; try a smaller --batch-size"
    return (f"this should not have happened: {type(error).__name__}: {error}\n"
            "Run the command again with --debug to see where.")


def _leave(status: int) -> NoReturn:
    """Exit without waiting for decoding threads, and quietly where the reader has gone."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (BrokenPipeError, ValueError):
            pass
        except OSError:
            status = status or 2
    os._exit(status)
