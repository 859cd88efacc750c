"""Text → words, as the training of word vectors sees them."""

import re
import unicodedata
from functools import lru_cache

from zsl_cli.vocabulary.names.marks import combining_marks

LINE_END = "\n"
_LONGEST_NUMBER = 4  # digits: years and names such as 747, not amounts
_LONGEST_WORD = 60


def tokens(text: str) -> list[str]:
    """Words, punctuation marks and line ends, in order; see ``word`` for what a word becomes.

    Text is lower-cased and brought to Unicode's composed form (NFC). A word is a run of letters,
    with their marks, and digits; an apostrophe may be inside it, a hyphen or an underscore parts
    two words. Scripts that put no space between words (Chinese, Thai) are not parted into words.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).replace("’", "'")
    return _pattern().findall(text.lower().replace("_", " "))


def word(token: str) -> str | None:
    """The word that a token stands for, or None.

    A possessive loses its ``'s``. Nothing is left of punctuation, of numbers with more than four
    digits or with a comma or a point inside, and of what is too long to be a word.
    """
    while token.endswith("'s"):
        token = token[:-2]
    if not token or len(token) > _LONGEST_WORD or not (
            token[0].isalnum() or unicodedata.category(token[0])[0] == "M"):
        return None
    if token[0].isdecimal() and (not token.isalnum() or (
            token.isdecimal() and len(token) > _LONGEST_NUMBER)):
        return None
    return token


def words(text: str) -> list[str]:
    """The words of a text: how a label is to be spelled to be found among the words of a corpus."""
    candidates = (word(token) for token in tokens(text) if token != LINE_END)
    return [each for each in candidates if each is not None]


@lru_cache(maxsize=1)
def _pattern() -> re.Pattern[str]:
    """Numbers with separators, words, line ends, and runs of any other visible characters but
    hyphens."""
    marks = combining_marks()
    letters = rf"[\w{marks}]+"
    return re.compile(rf"\d+(?:[.,]\d+)+|{letters}(?:'{letters})*|\n"
                      rf"|[^\w\s{marks}\-\u2010\u2011]+")
