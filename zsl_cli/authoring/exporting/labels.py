"""The labels of an exported model's own vocabulary: a classifier's classes, or a user's list."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.support.text_lists import read_lines
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.vocabulary import LABELS_FILE, Vocabulary
from zsl_cli.vocabulary.words import listed

_IMAGENET = 1000


def imagenet() -> tuple[Label, ...] | None:
    """The classes of ILSVRC-2012 in the order of every classifier of them, that of their WordNet
    ids; None where the embedded vocabulary is not there."""
    file = folders.embedded(folders.VOCABULARY) / "default" / LABELS_FILE
    try:
        labels = [Label.from_json(line) for line in file.read_bytes().splitlines()
                  if b'"seen": true' in line]
    except (OSError, ValueError):
        return None
    return tuple(sorted(labels, key=lambda label: label.id)) if len(labels) == _IMAGENET else None


def numbered(count: int) -> tuple[Label, ...]:
    """Classes of which nothing but their number is known."""
    return tuple(Label(f"class-{number}", f"class {number}") for number in range(count))


def read_classes(file: Path) -> tuple[Label, ...]:
    """The names of a classifier's classes, in the order of its rows: a text file with a name a
    line, or JSON: a list, ``{"0": name, …}``, or ``{name: 0, …}`` as torchvision's
    ``class_to_idx``; an id may stand before a name, also as ``[id, name]``. Raises ZslError."""
    names = _ordered(_json(file), file) if file.suffix == ".json" else _lines(file)
    return unique(map(listed.label, names))


def read_list(source: str) -> tuple[Label, ...]:
    """The labels to encode for a vocabulary: those of a vocabulary by name or folder, or of a
    text or JSON file as ``read_classes`` takes it. Raises ZslError."""
    path = Path(source)
    if path.is_file():
        return read_classes(path)
    return tuple(replace(label, seen=False) for label in Vocabulary.load(source).labels)


def unique(labels: Any) -> tuple[Label, ...]:
    """Labels with ids of their own: of names that stand twice the later ones get a number."""
    seen: Counter[str] = Counter()
    numbered_labels = []
    for label in labels:
        seen[label.id] += 1
        again = seen[label.id] > 1
        numbered_labels.append(replace(label, id=f"{label.id}-{seen[label.id]}", ambiguous=True)
                     if again else label)
    twice = {name for name, count in seen.items() if count > 1}
    return tuple(replace(label, ambiguous=True) if label.name in twice else label
                 for label in numbered_labels)


def _lines(file: Path) -> list[str]:
    names = read_lines(file)
    if not names:
        raise ZslError(f"{file}: no label in it")
    if "" in names:
        raise ZslError(f"{file}, line {names.index('') + 1}: an empty label")
    return names


def _json(file: Path) -> Any:
    try:
        return json.loads(file.read_bytes())
    except OSError as error:
        raise ZslError(f"{file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ZslError(f"{file}: not valid JSON ({error})") from error


def _ordered(content: Any, file: Path) -> Sequence[str]:
    if isinstance(content, dict) and all(isinstance(value, int) for value in content.values()):
        content = {str(number): name for name, number in content.items()}
    if isinstance(content, dict) and set(content) == {str(n) for n in range(len(content))}:
        content = [content[str(number)] for number in range(len(content))]
    if isinstance(content, list):
        content = ["\t".join(one) if isinstance(one, list) and all(
            isinstance(part, str) for part in one) else one for one in content]
    if not isinstance(content, list) or not content or not all(
            isinstance(name, str) and name.strip() for name in content):
        raise ZslError(f"{file}: expected a list of names, or names by number from 0 on")
    return [name.strip() for name in content]
