"""Small colour profiles (ICC.1:2001), as cameras and phones put them into photos."""

import struct

P3 = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
PROPHOTO = ((0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03134, 0.00009, 0.82491))
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))
"""The colorants, XYZ relative to D50."""

_D50 = (0.9642, 1.0, 0.8249)


def _fixed(values):
    return b"".join(struct.pack(">i", round(value * 65536)) for value in values)


def _tag(kind, data):
    data = kind + bytes(4) + data
    return data + bytes(-len(data) % 4)


def _profile(space, tags):
    table, data, at = b"", b"", 128 + 4 + 12 * len(tags)
    for signature, content in tags:
        table += struct.pack(">4sII", signature, at + len(data), len(content))
        data += content
    size = at + len(data)
    head = struct.pack(">I4sI4s4s4s", size, bytes(4), 0x02400000, b"mntr", space, b"XYZ ")
    head = head.ljust(36, b"\0") + b"acsp"
    return (head.ljust(68, b"\0") + _fixed(_D50)).ljust(128, b"\0") + (
        struct.pack(">I", len(tags)) + table + data)


def _described(name):
    text = name.encode() + b"\0"
    return [(b"desc", _tag(b"desc", struct.pack(">I", len(text)) + text + bytes(78))),
            (b"wtpt", _tag(b"XYZ ", _fixed(_D50)))]


def _gamma(gamma):
    return _tag(b"curv", struct.pack(">IH", 1, round(gamma * 256)))


def rgb_profile(colorants, gamma, name="wide"):
    """A profile of three colorants and one gamma."""
    return _profile(b"RGB ", _described(name) + [
        (signature, _tag(b"XYZ ", _fixed(colorant)))
        for signature, colorant in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)
    ] + [(signature, _gamma(gamma)) for signature in (b"rTRC", b"gTRC", b"bTRC")])


def grey_profile(gamma):
    """A profile of grey."""
    return _profile(b"GRAY", [*_described("grey"), (b"kTRC", _gamma(gamma))])
