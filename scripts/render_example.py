"""Draws README.md's picture: python scripts/render_example.py [IMAGE] [SVG]

What is drawn is what ``zsl classify`` prints for the image now.
"""

import io
import sys

from rich.console import Console
from rich.text import Text

from zsl_cli import Classifier
from zsl_cli.cli.terminal.predictions import table


def main(image: str = "examples/cat.jpg", svg: str = "examples/classify.svg") -> None:
    """Classify, print into a recording console, and save."""
    console = Console(record=True, width=88, file=io.StringIO(), force_terminal=True,
                      highlight=False)
    console.print(Text(f"$ zsl classify {image} --top 5"))
    for prediction in Classifier.load().classify([image], top=5):
        console.print(table(prediction))
    console.save_svg(svg, title="zsl")


if __name__ == "__main__":
    main(*sys.argv[1:])
