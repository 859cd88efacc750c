"""``list``, ``show`` and ``verify``, the same for models and vocabularies."""

import json
from pathlib import Path

import click

from zsl_cli.classifier import pairing
from zsl_cli.cli.terminal import options, printing
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.support.manifests import Manifest, ModelManifest, VocabularyManifest

_TEMPLATES = 3  # that a line names; the rest of what is shown has them all


def add_to(group: click.Group, kind: folders.Kind[Manifest]) -> None:
    """Give a group the three commands for one kind of folder."""

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
                printing.say(str(error))
                failures += 1
                continue
            what = _contents(manifest)
            what += f", own vocabulary of {own.labels:,} labels" if own else ""
            rows.append((folder.name, manifest.version, what,
                         *([str(folder)] if verbose else [])))
        head = ("name", "version", "contents", "folder")
        printing.put_table(head[:len(rows[0])] if rows else (), rows)
        return 1 if failures else 0

    @group.command("show", help=f"Everything that a {kind.noun}'s manifest says.")
    @click.argument("name", default="default", metavar="[NAME|FOLDER]")
    @click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
    @options.common
    def _show_command(name: str, as_json: bool, quiet: bool, verbose: bool, debug: bool) -> None:
        show(kind, name, as_json)

    @group.command("verify", help="Check the files against the manifest's hashes.")
    @click.argument("name", default="default", metavar="[NAME|FOLDER]")
    @options.common
    def _verify_command(name: str, quiet: bool, verbose: bool, debug: bool) -> None:
        folder = folders.find(kind, name)
        _verify(kind, folder)
        printing.put(f"{folder}: all files are what the manifest says")


def _contents(manifest: Manifest) -> str:
    labels = f"{manifest.labels:,} labels, " if isinstance(manifest, VocabularyManifest) else ""
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
        shown |= {"encodes phrases": _phrases(manifest),
                  "own vocabulary": f"{own.labels:,} labels" if own else "none"}
    for line in _lines(shown):
        printing.put(line)


def _own_vocabulary(kind: folders.Kind[Manifest], folder: Path) -> VocabularyManifest | None:
    """The manifest of the vocabulary that a model folder carries, if it does."""
    own = pairing.own_vocabulary(folder) if kind is folders.MODEL else None
    return folders.read_manifest(folders.VOCABULARY, own) if own else None


def _phrases(model: ModelManifest) -> str:
    """Whether a model encodes phrases, and what was put around the names of its labels."""
    if model.text is None:
        return "no"
    templates = model.text.templates
    if not templates:
        return "yes, as they are written"
    more = [f"and {len(templates) - _TEMPLATES} more"] if len(templates) > _TEMPLATES else []
    return f"yes (templates: {', '.join([*templates[:_TEMPLATES], *more])})"


def _verify(kind: folders.Kind[Manifest], folder: Path) -> None:
    """Raise ZslError for the first thing that is wrong with a folder."""
    if kind is folders.VOCABULARY:
        from zsl_cli.vocabulary import checks

        checks.read(folder)
        return
    from zsl_cli.embedding.model import Model

    manifest = folders.read_manifest(folders.MODEL, folder)
    for file in manifest.files:
        folders.check_file(folder, file, manifest)
    encoder = Model.load(folder, device="cpu").label_encoder
    if encoder:
        encoder.encode(["a phrase", "a phrase that is longer than the other"])
    if own := pairing.own_vocabulary(folder):
        _verify(folders.VOCABULARY, own)
        pairing.vocabulary_for(folder, manifest)  # raises where the two do not fit


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
