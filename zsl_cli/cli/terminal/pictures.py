"""Pictures in a terminal that shows them."""

from typing import TYPE_CHECKING

from zsl_cli.cli.terminal import printing
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.errors import ImageError, ZslError
from zsl_cli.support import extras

if TYPE_CHECKING:
    from PIL.Image import Image

_CELLS = 24  # columns that a picture is wide


def put(picture: "Image | ImageError") -> None:
    """A picture on standard output, in the terminal's own protocol, or else in coloured blocks;
    or why there is none. Raises MissingExtraError,
    and ZslError for a terminal without a size."""
    with extras.needed("terminal", "showing photos in the terminal"):
        from textual_image import renderable
    if isinstance(picture, ImageError):
        printing.put(as_options(str(picture)))
        return
    try:
        printing.console().print(renderable.Image(picture, width=_CELLS))
    except ZeroDivisionError as error:  # by the number of columns, in textual-image
        raise ZslError("this terminal does not say how large it is, so that no photo can be shown "
                       "in it; set its size (stty rows 24 cols 80), or use --open") from error
