"""A small raw photo: Adobe's DNG 1.4, a sensor's picture of one grey and a JPEG beside it."""

import struct

import numpy as np

_SIDE = 64  # of the sensor, pixels
_FORMATS = {1: "B", 3: "H", 4: "I", 5: "II", 10: "ii"}  # TIFF 6.0, section 2


def _directory(entries, at):
    """A directory that lies there, and after it the values that are too long for it."""
    head, more = struct.pack("<H", len(entries)), b""
    for tag, kind, values in sorted(entries):
        pairs = kind in (5, 10)
        data = values if kind == 2 else b"".join(
            struct.pack(f"<{_FORMATS[kind]}", *(value if pairs else (value,))) for value in values)
        head += struct.pack("<HHI", tag, kind, len(values))
        if len(data) > 4:
            head += struct.pack("<I", at + 2 + 12 * len(entries) + 4 + len(more))
            more += data + bytes(len(data) % 2)
        else:
            head += data.ljust(4, b"\0")
    return head + bytes(4) + more


def dng(preview, size, orientation=1):
    """preview: a JPEG, of that size before it is turned."""
    sensor = np.full((_SIDE, _SIDE), 1000, "<u2").tobytes()
    identity = [(int(row == column), 1) for row in range(3) for column in range(3)]

    def directories(second, preview_at, sensor_at):
        first = [(254, 4, [0]), (256, 4, [_SIDE]), (257, 4, [_SIDE]), (258, 3, [16]),
                 (259, 3, [1]), (262, 3, [32803]), (271, 2, b"zsl\0"), (272, 2, b"test\0"),
                 (273, 4, [sensor_at]), (274, 3, [orientation]), (277, 3, [1]),
                 (278, 4, [_SIDE]), (279, 4, [len(sensor)]), (330, 4, [second]),
                 (33421, 3, [2, 2]), (33422, 1, [0, 1, 1, 2]), (50706, 1, [1, 4, 0, 0]),
                 (50707, 1, [1, 1, 0, 0]), (50708, 2, b"zsl test\0"), (50721, 10, identity),
                 (50728, 5, [(1, 1)] * 3), (50778, 3, [21])]
        other = [(254, 4, [1]), (256, 4, [size[0]]), (257, 4, [size[1]]), (258, 3, [8, 8, 8]),
                 (259, 3, [7]), (262, 3, [6]), (273, 4, [preview_at]), (277, 3, [3]),
                 (278, 4, [size[1]]), (279, 4, [len(preview)])]
        return _directory(first, 8), _directory(other, second)

    first, other = directories(0, 0, 0)
    second = 8 + len(first)
    preview_at = second + len(other)
    padded = preview + bytes(len(preview) % 2)
    first, other = directories(second, preview_at, preview_at + len(padded))
    return b"II*\0" + struct.pack("<I", 8) + first + other + padded + sensor
