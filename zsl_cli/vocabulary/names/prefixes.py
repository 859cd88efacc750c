"""Labels that begin with what a person has typed so far, without loading a vocabulary."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

from zsl_cli.errors import FolderError
from zsl_cli.support import folders
from zsl_cli.vocabulary.names.label import LABELS_FILE, Label


def labels_with(folder: Path, prefix: str, most: int) -> Iterator[Label]:
    """The first labels of a vocabulary folder of which one of the texts begins so, in whatever
    case. Lines are looked through as text, and only those parsed, since a vocabulary may have a
    million and a person waits.

    Raises OSError, and ValueError for a line that is no label.
    """
    pattern = re.compile('"' + re.escape(json.dumps(prefix, ensure_ascii=False)[1:-1])
                         + '[^"]*"(?!:)', re.IGNORECASE)  # a text, and not the name of a field
    text = (folder / LABELS_FILE).read_text("utf-8")
    try:
        taught = folders.read_manifest(folders.VOCABULARY, folder).taught
    except FolderError:  # whoever uses it is told
        taught = None
    if taught is not None:
        lines = (folder / taught.definitions).read_text("utf-8").splitlines(keepends=True)
        text = "".join(line for line in lines if '"further":' not in line) + text
    at = 0
    for _ in range(most):
        match = pattern.search(text, at)
        if match is None:
            return
        at = text.find("\n", match.end())
        at = len(text) if at < 0 else at
        yield Label.from_json(text[text.rfind("\n", 0, match.start()) + 1:at].encode())
