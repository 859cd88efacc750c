"""JPEGs whose picture is whole though something beside it is not, and those whose is not."""

import io
import struct
import time

import pytest
from pictures import SQUARE, encoded
from PIL import Image

from zsl_cli.embedding.images import load
from zsl_cli.embedding.pictures import jpeg
from zsl_cli.errors import ImageError

KINDS = {"baseline": {}, "progressive": {"progressive": True}, "optimised": {"optimize": True},
         "restart": {"restart_marker_blocks": 4}, "arithmetic colours": {"subsampling": 0}}
TRAILERS = {"nothing": b"", "a panorama's": b"\0\0\0\x18ftypmp42" + b"\x55" * 50_000,
            "zeros": bytes(3000), "half a marker": b"\xff"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("trailer", TRAILERS)
@pytest.mark.parametrize("scale", [1, 8])
def test_a_missing_end_marker_is_no_loss(cat, kind, trailer, scale):
    picture = cat.resize((cat.width * scale, cat.height * scale)) if scale > 1 else cat
    data = encoded(picture, "JPEG", quality=90, **KINDS[kind])
    assert data.endswith(jpeg.END)
    got = load(data[:-2] + TRAILERS[trailer], SQUARE)
    assert (got == load(data, SQUARE)).all()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.98])
def test_a_picture_that_is_cut_off_is_an_error(cat, kind, share):
    data = encoded(cat, "JPEG", quality=90, **KINDS[kind])
    with pytest.raises(ImageError, match="cannot decode it: "):
        load(data[:int(len(data) * share)], SQUARE)


def segment(marker, data):
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def test_a_great_many_segments_take_no_time(cat):
    plain = encoded(cat, "JPEG", quality=90)
    exif = Image.Exif()
    exif[0x0112] = 1
    first = segment(0xE1, b"Exif\0\0" + exif.tobytes())
    more = segment(0xE1, b"Exif\0\0" + bytes(65_000)) * 100 + segment(
        0xE1, b"Exif\0\0\0") * 50_000 + segment(0xFE, b"comment") * 50_000
    started = time.perf_counter()
    got = load(plain[:2] + first + more + plain[2:], SQUARE)
    assert time.perf_counter() - started < 5
    assert (got == load(plain, SQUARE)).all()


def test_the_first_exif_and_the_profile_outlive_the_surplus(cat):
    exif = Image.Exif()
    exif[0x0112] = 3
    plain = encoded(cat, "JPEG", exif=exif, icc_profile=b"p" * 100_000)
    data = plain[:2] + segment(0xED, b"x" * 9) * 600 + plain[2:] + b"trailer"
    tidy = jpeg.without_surplus_segments(io.BytesIO(data)).read()
    assert tidy == plain + b"trailer"


@pytest.mark.parametrize("data", [
    b"\xff\xd8\xff", b"\xff\xd8\xff\xe1\0\1", b"\xff\xd8" + b"\xff" * 5000,
    b"\xff\xd8\xff\xe1\xff\xff\xff", b"\xff\xd8" + segment(0xFE, b"") * 900])
def test_what_is_cut_in_its_segments_is_an_error(data):
    with pytest.raises(ImageError):
        load(data, SQUARE)
