"""Pictures in a terminal that shows them."""

from typing import TYPE_CHECKING

from zsl_cli.cli.terminal import printing
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.errors import ImageError
from zsl_cli.support import extras

if TYPE_CHECKING:
    from PIL.Image import Image

_CELLS = 24  # columns that a picture is wide


def put(picture: "Image | ImageError") -> None:
    """A picture on standard output, in the terminal's own protocol, or else in coloured blocks;
    or why there is none. Raises MissingExtraError."""
    with extras.needed("terminal", "showing photos in the terminal"):
        from textual_image import renderable
    if isinstance(picture, ImageError):
        printing.put(as_options(str(picture)))
        return
    printing.console().print(renderable.Image(picture, width=_CELLS))
