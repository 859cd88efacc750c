"""TIFFs of many kinds: read as tifffile reads them, or refused with the reason."""

import io
import itertools
import struct
import zlib

import numpy as np
import pytest
import tifffile
from pictures import SQUARE, difference, encoded

from zsl_cli.embedding.images import load
from zsl_cli.errors import ImageError

TYPES = ("u1", "u2", "u4", "u8", "i1", "i2", "i4", "f2", "f4", "f8")


@pytest.fixture(scope="module")
def small(cat):
    return cat.resize((240, 224))


def numbers(levels, type_):
    """Grey levels as numbers whose largest is white."""
    type_ = np.dtype(type_)
    white = 1 if type_.kind == "f" else np.iinfo(type_).max
    shares = levels / np.longdouble(255) * white
    return (shares if white == 1 else shares.round()).astype(type_)


def written(array, **options):
    file = io.BytesIO()
    tifffile.imwrite(file, array, **options)
    file.seek(0)
    assert (tifffile.imread(file) == array).all()
    return file.getvalue()


def read_or_refused(data, expected):
    """Whether it was read; if so right, if not with a reason that says what to do."""
    try:
        got = load(data, SQUARE)
    except ImageError as error:
        assert error.kind == "decoder"
        assert "is not read:" in str(error)
        assert "save it as RGB or grey with 8 or 16 bits" in str(error)
        return False
    assert difference(got, expected) < 1
    return True


@pytest.mark.parametrize("type_", TYPES)
def test_grey_of_every_type_is_right_or_refused(small, type_):
    grey, expected = np.asarray(small.convert("L")), load(small.convert("L"), SQUARE)
    read = {(photometric, order): read_or_refused(
        written(numbers(grey if photometric == "minisblack" else 255 - grey, order + type_),
                photometric=photometric, byteorder=order), expected)
        for photometric, order in itertools.product(("minisblack", "miniswhite"), "<>")}
    assert read["minisblack", "<"] == (type_ in ("u1", "u2", "u4", "i2", "i4", "f4"))
    assert read["miniswhite", "<"] == (type_ in ("u1", "u2", "f4"))


@pytest.mark.parametrize("type_", TYPES)
@pytest.mark.parametrize("planes", ["contig", "separate"])
@pytest.mark.parametrize("more", [(), ("unassalpha",), ("assocalpha",), ("unspecified",)])
def test_colours_of_every_type_are_right_or_refused(small, type_, planes, more):
    expected = {"rgb": load(small, SQUARE), "minisblack": load(small.convert("L"), SQUARE)}
    read = set()
    for photometric, picture in (("rgb", small), ("minisblack", small.convert("L"))):
        if not more and photometric == "minisblack":
            continue
        levels = np.asarray(picture)
        levels = np.dstack([levels, *[np.full(levels.shape[:2], 255, np.uint8)] * len(more)])
        array = numbers(levels, type_)
        array = np.ascontiguousarray(array.transpose(2, 0, 1) if planes == "separate" else array)
        for layout in ({}, {"compression": "zlib"}, {"tile": (64, 64)}):
            data = written(array, photometric=photometric, planarconfig=planes,
                           extrasamples=more or None, **layout)
            if read_or_refused(data, expected[photometric]):
                read.add(photometric)
    assert ("rgb" in read) >= (type_ in ("u1", "u2") and planes == "contig")
    assert ("rgb" in read) >= (type_ == "u1" and not more)


def raw_tiff(size, bits, data, more=None):
    """An uncompressed grey TIFF of one strip."""
    tags = {256: size[0], 257: size[1], 258: bits, 259: 1, 262: 1, 277: 1, 278: size[1],
            279: len(data), **(more or {})}
    tags[273] = 8 + 2 + 12 * (len(tags) + 1) + 4
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, tags[tag]) for tag in sorted(tags))
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + data


def test_twelve_bits_are_scaled(small):
    grey = np.asarray(small.convert("L"))
    values = (grey * (4095 / 255)).round().astype(np.uint16).reshape(-1, 2)
    packed = np.stack([values[:, 0] >> 4, (values[:, 0] & 15) << 4 | values[:, 1] >> 8,
                       values[:, 1] & 255], axis=1).astype(np.uint8).tobytes()
    got = load(raw_tiff(small.size, 12, packed), SQUARE)
    assert difference(got, load(small.convert("L"), SQUARE)) < 1


def test_a_tile_larger_than_the_picture_is_refused_before_it_is_decoded():
    tile = zlib.compress(bytes(1 << 20))
    data = raw_tiff((16, 16), 8, tile, {259: 8, 322: 40_000, 323: 40_000})
    with pytest.raises(ImageError, match="1,600,000,000 pixels exceed the limit"):
        load(data, SQUARE)
    with pytest.raises(ImageError, match="16 x 16 pixels lies in tiles"):
        load(data, SQUARE, max_pixels=2_000_000_000)


def test_a_directory_that_claims_more_than_the_file_has_is_refused():
    data = bytearray(raw_tiff((16, 16), 8, bytes(256)))
    data[10 + 8 * 12 + 4:10 + 8 * 12 + 8] = struct.pack("<I", 1 << 30)
    with pytest.raises(ImageError, match="claims more than the file has"):
        load(bytes(data), SQUARE)


def test_what_libtiff_says_of_damage_is_in_the_error_and_nowhere_else(small, capfd):
    data = bytearray(encoded(small, "TIFF", compression="tiff_adobe_deflate"))
    middle = len(data) // 2
    data[middle:middle + 50] = bytes(byte ^ 0x5A for byte in data[middle:middle + 50])
    with pytest.raises(ImageError, match=r"cannot decode it: \w+.*(code|distance|check|error)"):
        load(bytes(data), SQUARE)
    assert capfd.readouterr().err == ""
