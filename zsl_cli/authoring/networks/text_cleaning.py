"""What is done to a text before it is cut into tokens, as normalizers of the library
``tokenizers``."""

import html.entities
import re
import string
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING

from zsl_cli.errors import ZslError

if TYPE_CHECKING:
    from tokenizers.normalizers import Normalizer

PUNCTUATION = f"[{re.escape(string.punctuation)}]"
BLANKS = r"[\s\x1c-\x1f]+"  # what Python's \s and str.split take for blanks
_CONTROLS = r"[\x00-\x08\x0b\x0e-\x1f\x7f\x{206a}-\x{206f}\x{feff}\x{fff9}-\x{fffc}]"
_FINAL_SIGMA = (r"\p{Cased}(?<=\P{Case_Ignorable})\p{Case_Ignorable}*+\KΣ"
                r"(?!\p{Case_Ignorable}*+\p{Cased})")
_LIGATURES = "ĲĳŉǱǲǳǄǅǆǇǈǉǊǋǌﬀﬁﬂﬃﬄﬅﬆ"


def as_open_clip(mode: str) -> "list[Normalizer]":
    """OpenCLIP's cleaning of a text: ftfy's repairs, HTML references, blanks, and by ``mode``
    lower case (``lower``) or that and no punctuation (``canonicalize``)."""
    from tokenizers import Regex, normalizers

    if mode not in ("lower", "whitespace", "canonicalize"):
        raise ZslError(f"no way to clean a text is called {mode!r}")
    canonical = [normalizers.Replace("_", " "), normalizers.Replace(Regex(PUNCTUATION), "")]
    return [*_unescape(), *_ftfy(), *(canonical if mode == "canonicalize" else []),
            normalizers.Replace(Regex(BLANKS), " "), normalizers.Strip(),
            *(lowercase() if mode != "whitespace" else [])]


def _unescape() -> "list[Normalizer]":
    """HTML references → their characters."""
    names: dict[int, list[str]] = {ord("'"): ["apos;"]}
    for name, character in html.entities.html5.items():
        if name.rstrip(";") in html.entities.name2codepoint:
            names.setdefault(ord(character[0]), []).append(name)
    ampersand = names.pop(ord("&"))
    # longer names first, for some may do without their semicolon: &notin; is not ¬in;
    rest = sorted(names.items(), key=lambda item: -max(map(len, item[1])))
    return [*[_reference(ord("&"), ampersand)] * 3, *(_reference(*item) for item in rest)]


def _reference(code: int, names: Iterable[str]) -> "Normalizer":
    from tokenizers import Regex, normalizers

    either = "|".join(sorted(names, key=len, reverse=True))
    return normalizers.Replace(
        Regex(f"&(?:{either}|#0*{code}(?![0-9]);?|#[xX]0*(?i:{code:x})(?![0-9a-fA-F]);?)"),
        chr(code))


def _ftfy() -> "list[Normalizer]":
    """What ftfy does to a text that was decoded as it had been encoded."""
    from tokenizers import Regex, normalizers

    forms = "".join(map(chr, range(0xFF01, 0xFFF0)))
    plain = {character: unicodedata.normalize("NFKC", character)
             for character in [*_LIGATURES, "\u3000", *forms]}
    plain["ﬅ"] = "ſt"
    return [*(normalizers.Replace(old, new) for old, new in plain.items() if old != new),
            normalizers.Replace(Regex("[\u02bc\u2018-\u201b]"), "'"),
            normalizers.Replace(Regex("[\u201c-\u201f]"), '"'),
            normalizers.Replace(Regex(r"\x1b\[[0-9;]*[a-zA-Z]"), ""),
            normalizers.Replace(Regex(_CONTROLS), ""),
            normalizers.NFC()]


def lowercase() -> "list[Normalizer]":
    """Lower case as Python's, which knows the sigma that ends a word."""
    from tokenizers import Regex, normalizers

    return [normalizers.Replace(Regex(_FINAL_SIGMA), "ς"), normalizers.Lowercase()]
