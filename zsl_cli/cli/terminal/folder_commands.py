"""What commands for models and commands for vocabularies have in common."""

import json
from pathlib import Path

import click

from zsl_cli.classifier import pairing
from zsl_cli.cli.terminal import options, printing
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.support.manifests import Manifest, ModelManifest, VocabularyManifest
from zsl_cli.support.wording import counted, more

_TEMPLATES = 3  # that a line names; the rest of what is shown has them all


def add_to(group: click.Group, kind: folders.Kind[Manifest]) -> None:
    """Give a group the command ``list`` for one kind of folder."""

    @group.command("list", help=f"The {kind.plural} that a name can reach.")
    @options.common
    def _list_command(quiet: bool, verbose: bool, debug: bool) -> int:
        failures = 0
        rows = []
        for folder in folders.available(kind):
            try:
                manifest = folders.read_manifest(kind, folder)
                own = _own_vocabulary(kind, folder)
            except ZslError as error:
                printing.say(as_options(str(error)))
                failures += 1
                continue
            what = _contents(manifest)
            what += f", own vocabulary of {counted(own.labels, 'label')}" if own else ""
            rows.append((folder.name, manifest.version, what,
                         *([str(folder)] if verbose else [])))
        head = ("name", "version", "contents", "folder")
        printing.put_table(head[:len(rows[0])] if rows else (), rows)
        return 1 if failures else 0


def _contents(manifest: Manifest) -> str:
    labels = (f"{counted(manifest.labels, 'label')}, "
              if isinstance(manifest, VocabularyManifest) else "")
    phrases = isinstance(manifest, ModelManifest) and manifest.encodes_phrases
    return (f"{labels}space {manifest.space}, dimension {manifest.dimension}"
            + (", encodes phrases" if phrases else ""))


def show(kind: folders.Kind[Manifest], name: str, as_json: bool) -> None:
    """Print everything that a manifest says."""
    folder = folders.find(kind, name)
    manifest = folders.read_manifest(kind, folder)
    own = _own_vocabulary(kind, folder)
    shown = {"folder": str(folder), **manifest.entries}
    if as_json:
        extra = {"own_vocabulary": own and own.entries} if kind is folders.MODEL else {}
        printing.put_json({**shown, **extra})
        return
    if isinstance(manifest, ModelManifest):
        shown |= {"confidences": _confidences(manifest), "encodes phrases": _phrases(manifest),
                  "own vocabulary": counted(own.labels, "label") if own else "none"}
    for line in _lines(shown):
        printing.put(line)


def _own_vocabulary(kind: folders.Kind[Manifest], folder: Path) -> VocabularyManifest | None:
    """The manifest of the vocabulary that a model folder carries, if it does."""
    own = pairing.own_vocabulary(folder) if kind is folders.MODEL else None
    return folders.read_manifest(folders.VOCABULARY, own) if own else None


def _confidences(model: ModelManifest) -> str:
    """Where the numbers of the confidences are from, and how they would be fitted."""
    rule = model.confidence
    return rule.origin if rule.fitted_on else f"{rule.origin} (zsl models calibrate)"


def _phrases(model: ModelManifest) -> str:
    """Whether a model encodes phrases, and what was put around the names of its labels."""
    if model.text is None:
        return "no"
    templates = model.text.templates
    if not templates:
        return "yes, as they are written"
    rest = [f"and {more(len(templates) - _TEMPLATES)}"] if len(templates) > _TEMPLATES else []
    return f"yes (templates: {', '.join([*templates[:_TEMPLATES], *rest])})"


def _lines(value: object, indent: str = "", name: str = "") -> list[str]:
    """A manifest as indented lines."""
    if isinstance(value, dict):
        head = [f"{indent}{name}:"] if name else []
        inner = indent + "  " if name else indent
        return head + [line for key, entry in value.items() for line in _lines(entry, inner, key)]
    if isinstance(value, list):
        items = [f"{indent}{name}:"]
        for entry in value:
            lines = (_lines(entry, indent + " " * 4) if isinstance(entry, dict)
                     else [f"{indent}    {_text(entry)}"])
            items += [f"{indent}  - {line.strip()}" if at == 0 else line
                      for at, line in enumerate(lines)]
        return items
    return [f"{indent}{name}: {_text(value)}"]


def _text(value: object) -> str:
    return json.dumps(value) if value is None or isinstance(value, bool) else str(value)
