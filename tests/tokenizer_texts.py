"""Texts of every kind, for comparing a tokenizer with the one that it was made from."""

import random
import re
import unicodedata

import tokenizers
from networks import WORDS

LENGTH = 16


def random_texts(count, seed):
    """Words and signs of every kind, run together and apart. Left out is what no conversion
    promises: letters that are new to Unicode, marks that stand on nothing."""
    pick = random.Random(seed)

    def sign():
        kind = pick.random()
        if kind < 0.4:
            return chr(pick.randint(32, 126))
        if kind < 0.55:
            return pick.choice("  \t\n\r\f\v\x1c\u00a0\u2003\u2028\u200b\u200d\u3000\ufeff")
        if kind < 0.7:
            return pick.choice("'\"’‘“”–—…-_.,!?&<>#/▁ＡｂﬁǅｶŉİıΣςſK①™🐶🏽")
        while True:
            letter = chr(pick.choice([pick.randint(0xC0, 0x2FFF), pick.randint(0x3000, 0xFFFF),
                                      pick.randint(0x10000, 0x1F9FF)]))
            if unicodedata.ucd_3_2_0.category(letter)[0] not in "MC":
                return letter

    return ["".join(pick.choice((sign, sign, lambda: pick.choice(WORDS), lambda: " "))()
                    for _ in range(pick.randint(1, 20))) for _ in range(count)]


def no_mojibake(texts):
    """The texts that ftfy takes for decoded as they had been encoded."""
    import ftfy

    return [text for text in texts if ftfy.fix_encoding(text) == text]


def no_ties(texts):
    """The texts without what is said three times in a row: two cuts of it have the same score,
    and the last digit of a sum decides."""
    return [text for text in texts if not re.search(
        r"(.+)\1\1", "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).lower())))]


def reloaded(tokenizer, tmp_path):
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    return tokenizers.Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
