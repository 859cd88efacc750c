"""Draws README.md's picture: python scripts/render_example.py [IMAGE] [SVG]

What is drawn is what ``zsl classify`` prints for the image now.
"""

import io
import os
import subprocess
import sys

from rich.console import Console
from rich.text import Text

WIDTH = 88  # columns


def main(image: str = "examples/cat.jpg", svg: str = "examples/classify.svg") -> None:
    """Classify, print into a recording console, and save."""
    arguments = ["classify", image, "--top", "5"]
    printed = subprocess.run(
        [sys.executable, "-m", "zsl_cli", *arguments], stdout=subprocess.PIPE, check=True,
        env={**os.environ, "COLUMNS": str(WIDTH), "FORCE_COLOR": "1"}).stdout
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True,
                      highlight=False)
    console.print(Text(f"$ zsl {' '.join(arguments)}"))
    console.print(Text.from_ansi(printed.decode().rstrip("\n")))
    console.save_svg(svg, title="zsl")


if __name__ == "__main__":
    main(*sys.argv[1:])
