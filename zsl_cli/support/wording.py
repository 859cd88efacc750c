"""How messages speak of many things."""

from collections.abc import Sequence
from unicodedata import category

_EXAMPLES = 8
_LONGEST = 60  # characters of a text in a message
_SHOWN = 80  # characters of a text that a file has for itself

# What would be invisible, break the line or turn the text around: control and format characters,
# halves of surrogate pairs (bytes of a name that is not UTF-8), separators of lines. But for two
# format characters: what joins the parts of an emoji, and what parts the letters of Persian.
_UNPRINTABLE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_JOINERS = "\u200c\u200d"


def counted(number: int, one: str, many: str | None = None) -> str:
    """``1 label``, ``2,345 labels``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def some(names: Sequence[str], most: int = _EXAMPLES) -> str:
    """The first of the names, quoted, and how many more there are."""
    return listed([repr(name) for name in names], most)


def listed(texts: Sequence[str], most: int = _EXAMPLES, separator: str = ", ") -> str:
    """The first of the texts, and how many more there are."""
    rest = f" and {more(len(texts) - most)}" if len(texts) > most else ""
    return separator.join(texts[:most]) + rest


def more(number: int, what: str = "") -> str:
    """``2,345 more``, ``2,345 more labels``: what a list of examples does not name. what: in the
    plural; of one it goes without saying."""
    return f"{number:,} more {what if number != 1 else ''}".rstrip()


def quoted(text: str, longest: int = _LONGEST) -> str:
    """The text between quotes, cut off where it is longer."""
    return repr(text if len(text) <= longest else text[:longest - 1] + "…")


def reason(error: BaseException, line: int = 0) -> str:
    """What an exception of another library says, in one line; its class's name where it says
    nothing.

    line: the one of several that is taken; -1 of an account that ends with the reason.
    """
    lines = [text for one in str(error).splitlines() if (text := one.strip())]
    return lines[line] if lines else type(error).__name__


def printable(text: str) -> str:
    """The text with an escape in place of each character that could not be seen, would steer a
    terminal or upset the characters around it; bytes of a name that is not UTF-8 become
    ``\\xe9``."""
    if text.isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(one: str) -> str:
    if category(one) not in _UNPRINTABLE or one in _JOINERS:
        return one
    code = ord(one)
    if 0xDC80 <= code <= 0xDCFF:  # a byte, as os.fsdecode has it
        code -= 0xDC00
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    if code > 0xFF:
        return f"\\u{code:04x}"
    return {9: "\\t", 10: "\\n", 13: "\\r"}.get(code, f"\\x{code:02x}")


def shown(text: str, length: int = _SHOWN) -> str:
    """A file's own text, short and fit for a terminal."""
    return printable(text if len(text) <= length else text[:length - 1] + "…")
