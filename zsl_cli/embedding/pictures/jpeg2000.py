"""JPEG 2000: a picture that holds smaller versions of itself (ISO/IEC 15444-1, annex A)."""

from typing import BinaryIO

_START, _CODING, _TILE = b"\xff\x4f\xff\x51", 0x52, 0x90
_LONGEST = 1 << 16  # bytes in which the codestream begins
_MOST = 32  # levels that there can be


def levels(file: BinaryIO) -> int:
    """How often the picture can be had at half its size; 0 where the file does not say."""
    file.seek(0)
    start = file.read(_LONGEST)
    at = start.find(_START) + 2
    while at >= 2 and len(start) >= at + 10 and start[at] == 0xFF and start[at + 1] != _TILE:
        if start[at + 1] == _CODING:
            return min(start[at + 9], _MOST)
        at += 2 + int.from_bytes(start[at + 2:at + 4], "big")
    return 0
