"""Damage to files at random: what disks, downloads and other people do to them.

Each kind takes the bytes, other bytes of the same sort and a ``random.Random``, and gives bytes.
"""

import bz2
import gzip
import hashlib
import io
import json
import lzma
import re
import struct
import zipfile
import zlib

_WHOLE = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
          (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
_TEXTS = [text.encode() for text in (
    "-1", "0", "1", "1e999", "-1e999", "NaN", "Infinity", "0x", "99999999999999999999", "1" * 5000,
    "null", "true", "[]", "{}", '""', "[" * 3000, '{"a":' * 3000, "\\ud800", '"\\udfff"', "\\u0000",
    "\x00", "\u2028", "\u202e", "\ufeff", "İ", "é", "\r", "\n", "\t", ",", '"', "'", ";", "|", "%",
    "../..", "/", "x" * 9000, "&amp;", "<", ">", "&#0;", "]]>", "<!--", "n00000001")] + [
        b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xed\xa0\x80", b"\xc3"]
_NUMBER = re.compile(rb"-?[0-9]+(?:\.[0-9]+)?")
_TOKEN = re.compile(rb"\"[^\"\n]*\"|[\w.-]+")
_PNG = b"\x89PNG\r\n\x1a\n"
_MOST = 1 << 20  # bytes that damage may make of a file
_MOSTLY_AHEAD = 512  # bytes: headers lie there
_PACKED = (b"PK\x03\x04", _PNG, b"\x1f\x8b", b"BZh", b"\xfd7zXZ")


def _place(data, chance):
    """A place in the bytes: as often as not among the first, which say what the others are."""
    end = min(len(data), _MOSTLY_AHEAD) if chance.random() < 0.5 else len(data)
    return chance.randrange(end) if end else 0


def _span(data, chance):
    start = _place(data, chance)
    return start, start + chance.choice([1, 2, 4, 8, 12, 16, 64, 256, 4096])


def flip(data, _, chance):
    """Some bits are others."""
    damaged = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 4, 16])):
        if damaged:
            damaged[_place(damaged, chance)] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def overwrite(data, _, chance):
    """Some bytes are any others."""
    damaged = bytearray(data)
    for _ in range(chance.randint(1, 8)):
        if damaged:
            damaged[_place(damaged, chance)] = chance.randrange(256)
    return bytes(damaged)


def cut(data, _, chance):
    """The end is missing."""
    return data[:chance.randrange(len(data) + 1)]


def leave_out(data, _, chance):
    """A part is missing."""
    start, end = _span(data, chance)
    return data[:start] + data[end:]


def double(data, _, chance):
    """A part is there several times."""
    start, end = _span(data, chance)
    times = min(chance.choice([2, 3, 100, 3000]), 1 + _MOST // max(end - start, 1))
    return data[:start] + data[start:end] * times + data[end:]


def splice(data, other, chance):
    """A part is that of another file."""
    (start, end), (first, last) = _span(data, chance), _span(other, chance)
    return data[:start] + other[first:last] + data[chance.choice([start, end]):]


def zeros(data, _, chance):
    """Noughts are put in, or stand where something was: what a power cut leaves."""
    start, end = _span(data, chance)
    return data[:start] + bytes(end - start) + data[chance.choice([start, end]):]


def extreme(data, _, chance):
    """A binary number is as large, or as small, as it can be."""
    width, order = chance.choice([1, 2, 4, 8]), chance.choice(["big", "little"])
    number = chance.choice(_WHOLE) & ((1 << 8 * width) - 1)
    start = _place(data, chance)
    return data[:start] + number.to_bytes(width, order) + data[start + width:]


def odd_text(data, _, chance):
    """A number or a word of a text is another, or nothing that a text should have."""
    pattern = chance.choice([_NUMBER, _TOKEN])
    start = _place(data, chance)
    match = pattern.search(data, start) or pattern.search(data)
    first, last = match.span() if match and chance.random() < 0.8 else (start, start)
    new = chance.choice(_TEXTS)
    if data[first:first + 1] == b'"' and chance.random() < 0.5:
        new = b'"' + new + b'"'
    return data[:first] + new + data[last:]


def swap_lines(data, other, chance):
    """A line is another's, or stands somewhere else."""
    lines, others = data.splitlines(keepends=True), other.splitlines(keepends=True)
    if lines and others:
        lines[chance.randrange(len(lines))] = chance.choice(others)
        chance.random() < 0.3 and chance.shuffle(lines)
    return b"".join(lines)


def inside(data, other, chance):
    """What is packed is damaged, and packed again so that checksums are right."""
    kind = chance.choice(KINDS[:-1])
    try:
        if data.startswith(b"PK\x03\x04"):
            return _in_zip(data, other, chance, kind)
        if data.startswith(_PNG):
            return _in_png(data, other, chance, kind)
        for start, module in ((b"\x1f\x8b", gzip), (b"BZh", bz2), (b"\xfd7zXZ", lzma)):
            if data.startswith(start):
                return module.compress(kind(module.decompress(data), other, chance))
    except (OSError, EOFError, ValueError, LookupError, RuntimeError, struct.error, zlib.error,
            lzma.LZMAError, zipfile.BadZipFile, OverflowError):
        pass  # it is damaged already
    return kind(data, other, chance)


def _in_zip(data, other, chance, kind):
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = [(info, archive.read(info)) for info in archive.infolist()]
    at, file = chance.randrange(len(entries)), io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for place, (info, content) in enumerate(entries):
            archive.writestr(info.filename, kind(content, other, chance) if place == at
                             else content, info.compress_type)
    return file.getvalue()


def _in_png(data, other, chance, kind):
    """PNG, section 5.3: length, kind, content and checksum of each chunk."""
    chunks, at = [], len(_PNG)
    while at + 12 <= len(data):
        size, name = struct.unpack_from(">I4s", data, at)
        chunks.append([name, data[at + 8:at + 8 + size]])
        at += 12 + size
    chosen = chance.choice(chunks)
    if chosen[0] == b"IDAT" and chance.random() < 0.5:
        chosen[1] = zlib.compress(kind(zlib.decompress(chosen[1]), other, chance))
    else:
        chosen[1] = kind(chosen[1], other, chance)
    return _PNG + b"".join(struct.pack(">I", len(content)) + name + content + struct.pack(
        ">I", zlib.crc32(name + content)) for name, content in chunks)


KINDS = (flip, overwrite, cut, leave_out, double, splice, zeros, extreme, odd_text, swap_lines,
         inside)


def damaged(data, other, chance):
    """The bytes with one to four kinds of damage done to them."""
    for _ in range(chance.choice([1, 1, 1, 2, 3, 4])):
        kinds = KINDS if not data.startswith(_PACKED) else (*KINDS, *[inside] * len(KINDS))
        data = chance.choice(kinds)(data, other, chance)[:len(data) + _MOST]
    return data


def signed(files, manifest):
    """The files of a folder (bytes by name), the hashes in its manifest brought up to date, as
    somebody does who means harm; as they are where that can no longer be read."""
    try:
        entries = json.loads(files[manifest])
        for name in entries["files"]:
            if name in files:
                entries["files"][name] = {"sha256": hashlib.sha256(files[name]).hexdigest(),
                                          "bytes": len(files[name])}
        return {**files, manifest: json.dumps(entries).encode()}
    except (ValueError, TypeError, KeyError, RecursionError):
        return files
