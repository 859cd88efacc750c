"""How a word on a command line may go on, for the shells that ask: click's own completion, with
what it cannot know (models, vocabularies, labels) and what it gets wrong (blanks and commas).

What a parameter takes is told by its metavar, which the help shows as well: FILE, FOLDER, IMAGE...,
NAME|FOLDER, LABEL and so on. A new option is completed without a word about it here.
"""

import os
import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    add_completion_class,
    get_completion_class,
    split_arg_string,
)

from zsl_cli.classifier import pairing
from zsl_cli.support import folders
from zsl_cli.support.folders import MODEL, VOCABULARY
from zsl_cli.support.limits import CANDIDATE_SETS
from zsl_cli.support.wording import printable
from zsl_cli.vocabulary.names.prefixes import labels_with

MOST_LABELS = 40
"""Labels that are suggested; more would bury the prompt."""

_MOST_READ = 2000  # labels that are looked at for the best of them

Items = list[CompletionItem[Any]]

_PATHS = {"FOLDER": "dir", "FOLDER...": "dir"}
_SOURCES = ("wordnet", "wordnet:", "imagenet-21k", "imagenet-1k")  # of zsl vocab build --labels
_ID = re.compile(r"n\d{2,}")
_SPECIAL_IN_BASH = re.compile(r"[^\w@%+=:,./-]")


def check(asked: str) -> None:
    """Raise click.UsageError for what click ends without a word for, or with a traceback: an
    unknown value of ``_ZSL_COMPLETE``, or one without the line that is to be completed."""
    shell, _, what = asked.partition("_")
    if get_completion_class(shell) is None or what not in ("source", "complete"):
        raise click.UsageError(f"_ZSL_COMPLETE={printable(asked)} asks for nothing; bash_source, "
                               "zsh_source and fish_source ask for the script of a shell")
    place = os.environ.get("COMP_CWORD")
    if what == "complete" and ("COMP_WORDS" not in os.environ or place is None
                               or (shell != "fish" and not place.isdecimal())):
        raise click.UsageError(f"_ZSL_COMPLETE={asked} is for the script that _ZSL_COMPLETE="
                               f"{shell}_source prints, which sets COMP_WORDS and COMP_CWORD")


def attach(command: click.Command) -> None:
    """Let the parameters of a command complete what their metavars say they take."""
    for parameter in command.params:
        if complete := _source(parameter):
            # As its shell_complete argument would, which is looked at when the shell asks.
            parameter._custom_shell_complete = _quietly(complete)


def _source(parameter: click.Parameter,
            ) -> "Callable[[click.Context, click.Parameter, str], Items] | None":
    """What completes a parameter; None where its type does (choices), or nothing can."""
    if isinstance(parameter.type, click.Choice) or getattr(parameter, "is_flag", False):
        return None
    name, metavar = parameter.name or "", parameter.metavar or ""
    if isinstance(parameter, click.Argument) and not metavar:
        return _files  # a checkpoint, a corpus, vectors, a set of photos
    if "LIBRARY" in metavar:
        return _catalogues
    if "NAME" in metavar and "F" in metavar:  # NAME|FOLDER, FILE|NAME, NAME|FOLDER|FILE
        return partial(_names, alone="FILE" not in metavar)
    if metavar == "MODEL":
        return partial(_names, alone=True)
    if metavar == "LANG|FOLDER":
        return _languages
    if metavar == "A,B,C":
        return _label_list
    if metavar in ("LABEL", "WORD..."):
        return _label
    if metavar == "SOURCE":
        return partial(_words, words=_SOURCES)
    if name == "candidates":
        return partial(_words, words=CANDIDATE_SETS)
    if metavar in ("FILE", "IMAGE...", "PHOTO", "PHOTO...", "WORDS|PHOTO", "GLOB|FOLDER",
                   "FILE|FOLDER", "FOLDER|PHOTO", "DATA...", "JSON", "DATASET", "M", "M.npz",
                   "P.npz", "tokenizer.json", *_PATHS):
        return _files
    return None


def _quietly(complete: "Callable[[click.Context, click.Parameter, str], Items]",
             ) -> "Callable[[click.Context, click.Parameter, str], Items]":
    """Nothing instead of an error, which would come in the middle of the user's command line."""
    def completed(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
        try:
            return complete(ctx, parameter, incomplete)
        except Exception:
            return []
    return completed


def _files(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    return [CompletionItem(incomplete, type=_PATHS.get(parameter.metavar or "", "file"))]


def _words(ctx: click.Context, parameter: click.Parameter, incomplete: str, *,
           words: Iterable[str]) -> Items:
    """Some words, and files."""
    return [*_files(ctx, parameter, incomplete),
            *(CompletionItem(word) for word in words if word.startswith(incomplete))]


def _names(ctx: click.Context, parameter: click.Parameter, incomplete: str, *,
           alone: bool) -> Items:
    """The names of models or vocabularies, and folders (unless ``alone``, files too)."""
    name = parameter.name or ""
    of_models = ctx.parent is not None and ctx.parent.info_name == MODEL.parent
    kind = MODEL if name.startswith("model") or (
        of_models and name != VOCABULARY.noun) else VOCABULARY
    names = [CompletionItem(folder.name, help=str(folder)) for folder in folders.available(kind)
             if folder.name.startswith(incomplete)]
    # The paths first: where they are told of, click's script for bash forgets what came before.
    return [CompletionItem(incomplete, type="dir" if alone else "file"), *names]


def _catalogues(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """The names of this user's catalogues, and folders."""
    from zsl_cli.photos.catalogue import places

    return [CompletionItem(incomplete, type="dir"),
            *(CompletionItem(place.name, help=identity.library)
              for place, identity in places.known() if place.name.startswith(incomplete))]


def _languages(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """The languages of which there are names, and folders."""
    return [CompletionItem(incomplete, type="dir"),
            *(CompletionItem(folder.name, help=str(folder))
              for folder in folders.available(folders.NAMES)
              if folder.name.startswith(incomplete))]


def _label(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    return [CompletionItem(name, help=gloss) for name, gloss in _labels(ctx, incomplete)]


def _label_list(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """The last of several labels between commas."""
    before, comma, last = incomplete.rpartition(",")
    return [CompletionItem(before + comma + name, help=gloss)
            for name, gloss in _labels(ctx, last) if "," not in name]


def _labels(ctx: click.Context, prefix: str) -> list[tuple[str, str]]:
    """Names, synonyms and, from a few digits on, ids that begin so, each with what it means: first
    the names, and of those the short ones."""
    if not prefix.strip():
        return []
    folder = _vocabulary(ctx)
    if folder is None:
        return []
    glosses: dict[str, tuple[tuple[bool, int, str], str]] = {}  # behind what sorts the names
    for label in labels_with(folder, prefix, _MOST_READ):
        names = [label.name, *label.synonyms, *([label.id] if _ID.match(prefix) else [])]
        for at, name in enumerate(names):
            if name.casefold().startswith(prefix.casefold()):
                key = (at > 0, len(name), name)
                # What is typed stays, so that the shell sees a word that goes on from it.
                glosses.setdefault(prefix + name[len(prefix):], (key, label.gloss))
    best = sorted(glosses.items(), key=lambda item: item[1][0])[:MOST_LABELS]
    return [(name, gloss) for name, (_, gloss) in best]


def _vocabulary(ctx: click.Context) -> Path | None:
    """The vocabulary folder that the command line before the cursor speaks of."""
    name = ctx.params.get("vocabulary")
    if "name" in ctx.params:  # zsl vocab show NAME --label
        # Where click stops at the option that has no value yet, arguments are still unread.
        name = ctx.args[0] if ctx.args else ctx.params["name"]
    if name is not None or "model" not in ctx.params:
        return folders.find(VOCABULARY, name or "default")
    model = folders.find(MODEL, ctx.params["model"] or "default")
    return pairing.vocabulary_for(model, folders.read_manifest(MODEL, model))


@add_completion_class
class _Bash(BashComplete):
    """Bash takes ``--model=x`` for three words, and puts a suggestion into the line as it is:
    outside of quotes blanks need escapes."""

    def get_completion_args(self) -> tuple[list[str], str]:
        args, incomplete = super().get_completion_args()
        return [arg for arg in args if arg != "="], incomplete

    def format_completion(self, item: CompletionItem[Any]) -> str:
        value = item.value
        if item.type == "plain" and not self._in_quotes():
            # Twice, since the script's read takes one of the two away.
            value = _SPECIAL_IN_BASH.sub(r"\\\\\g<0>", value)
        return f"{item.type},{value}"

    @staticmethod
    def _in_quotes() -> bool:
        words = os.environ.get("COMP_WORDS", "")
        last = words.rsplit("\n", 1)[-1]
        return last[:1] in ("'", '"') and len(split_arg_string(last)) == 1


@add_completion_class
class _Fish(FishComplete):
    """click's script for fish cuts a suggestion at its first comma, where ``--labels`` has some."""

    source_template = FishComplete.source_template.replace(
        'string split ","', 'string split --max 1 ","')
