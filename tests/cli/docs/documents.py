"""The documents of the repository, and what stands in them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", ROOT / "CONTRIBUTING.md",
             ROOT / "benchmarks" / "README.md", *sorted(ROOT.glob("docs/*.md"))]

_FENCED = re.compile(r"(?:^<!-- needs (\w+) -->\n)?^```(\w*)\n(.*?)^```$",
                     re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, its text, and the package that it needs, if any
    (``<!-- needs torch -->`` stands on the line before it)."""

    language: str
    text: str
    needs: str = ""


def blocks(path: Path, *languages: str) -> Iterator[Block]:
    """The fenced blocks of a document in these languages."""
    for needs, language, text in _FENCED.findall(path.read_text("utf-8")):
        if language in languages:
            yield Block(language, text, needs)


def prose(path: Path) -> str:
    """A document without its fenced blocks."""
    return _FENCED.sub("", path.read_text("utf-8"))
