"""Text from outside in Markdown."""

import re

from zsl_cli.support.wording import printable

_SPECIAL = re.compile(r"[\\`*<>&|~\[\]#]|(?<!\w)_|_(?!\w)")
_ADDRESS = re.compile(r"https?://[\w.-]+(:\d+)?(/[\w./~%@+-]*)?(\?[\w.=%&+-]*)?(#[\w./-]*)?",
                      re.ASCII)


def plain(text: object) -> str:
    """The text as it reads, in a line or in a cell of a table: nothing in it is markup, begins a
    new line or turns the text around it about."""
    return _SPECIAL.sub(r"\\\g<0>", printable(str(text)))


def code(text: object) -> str:
    """The same as code. A grave accent would end it, and a bar the cell: they become others that
    look alike."""
    return f"`{printable(str(text)).replace('`', 'ˋ').replace('|', '¦')}`"


def address(text: object) -> str:
    """An address of the web as it is, which readers make a link of; anything else is plain."""
    return str(text) if _ADDRESS.fullmatch(str(text)) else plain(text)
