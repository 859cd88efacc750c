"""Small files that claim, or hold, so much that they would take minutes or all the memory."""

import io
import struct

import numpy as np
import pytest
import raw_photos
from pictures import SQUARE, difference, encoded
from PIL import Image

from zsl_cli.embedding import images
from zsl_cli.embedding.images import load
from zsl_cli.embedding.pictures import jpeg2000
from zsl_cli.errors import ImageError


def progressive(scans, before=b""):
    """A progressive JPEG whose last scan, with its table, comes so many times more."""
    data = encoded(Image.linear_gradient("L"), "JPEG", progressive=True)
    start = data.rindex(b"\xff\xc4", 0, data.rindex(b"\xff\xda"))
    return data[:-2] + (before + data[start:-2]) * scans + data[-2:]


def test_a_jpeg_in_a_thousand_scans_is_refused():
    load(progressive(0), SQUARE)
    load(progressive(30), SQUARE)
    with pytest.raises(ImageError, match="more than 1,000 scans") as caught:
        load(progressive(1000), SQUARE)
    assert caught.value.kind == "limit"


def test_scans_behind_what_looks_like_the_end_are_counted():
    comment = b"\xff\xfe\0\x06\xff\xd9\xff\xd9"
    with pytest.raises(ImageError, match="more than 1,000 scans"):
        load(progressive(1000, comment), SQUARE)


def test_of_a_large_jpeg_fewer_scans_are_allowed(monkeypatch):
    monkeypatch.setattr("zsl_cli.embedding.pictures.jpeg._SCANNED_PIXELS", 20 * 256 * 256)
    load(progressive(0), SQUARE)
    with pytest.raises(ImageError, match="more than 20 scans"):
        load(progressive(20), SQUARE)


@pytest.mark.parametrize("start", [b"P6 ", b"P6 4 ", b"P6 4 4 "])
def test_a_ppm_header_of_comments_is_not_read_to_its_end(start):
    with pytest.raises(ImageError, match="its header does not end"):
        load(start + b"#a\n" * 30_000 + b"4 4 255\n" + bytes(48), SQUARE)
    assert load(b"P6 #a\n4 # b\n#c\n4\n255\n" + bytes(48), SQUARE).shape == (224, 224, 3)


def test_a_large_ppm_in_plain_text_is_refused_before_it_is_read():
    with pytest.raises(ImageError, match="numbers in plain text") as caught:
        load(b"P3 4000 4000 255\n" + b"1 " * 10, SQUARE)
    assert caught.value.kind == "limit"
    assert (load(b"P2 2 2 255\n255 255 255 255\n", SQUARE) == 255).all()


@pytest.mark.parametrize("ending", ["whole", "without its end marker"])
def test_a_large_jpeg_2000_is_decoded_at_a_reduced_size(cat, ending):
    data = encoded(cat.resize((2706, 1800)), "JPEG2000", quality_layers=[20])
    if ending != "whole":
        data = data[:-2]
    assert jpeg2000.levels(io.BytesIO(data)) == 5
    reduced, full = load(data, SQUARE), load(data, SQUARE, reduced=False)
    assert (reduced != full).any()
    assert difference(reduced, full) < 1.5


def test_a_jpeg_2000_without_smaller_versions_is_decoded_as_it_is(cat):
    data = encoded(cat.resize((1600, 1600)), "JPEG2000", num_resolutions=1)
    assert jpeg2000.levels(io.BytesIO(data)) == 0
    assert (load(data, SQUARE) == load(data, SQUARE, reduced=False)).all()


def test_a_format_that_takes_more_memory_allows_fewer_pixels(cat, monkeypatch):
    data = encoded(cat, "WEBP")
    monkeypatch.setattr(images, "MAX_PIXELS", 100_000)
    load(encoded(cat, "PNG"), SQUARE, max_pixels=200_000)
    with pytest.raises(ImageError, match="raise the limit with `max_pixels`"):
        load(data, SQUARE, max_pixels=200_000)
    load(data, SQUARE, max_pixels=300_000)


def test_a_later_frame_of_a_gif_may_not_be_larger_than_is_allowed():
    image = Image.new("P", (8, 8))
    file = encoded(image, "GIF")
    large = encoded(Image.effect_noise((200, 200), 90).convert("P"), "GIF")
    at, beyond = (data.index(b",", 13 + 3 * (2 << (data[10] & 7)) * (data[10] >> 7))
                  for data in (file, large))
    second = bytearray(large[beyond:])
    with pytest.raises(ImageError, match="its 40,000 pixels exceed"):
        load(file[:-1] + bytes(second), SQUARE, max_pixels=10_000)
    assert at


def test_a_tiff_in_a_million_parts_is_refused():
    count = 1 << 20
    entries = [(256, 3, 1, 10), (257, 4, 1, count), (258, 3, 1, 8), (262, 3, 1, 1),
               (273, 4, count, 200), (278, 3, 1, 1), (279, 4, count, 200)]
    data = (b"II*\0" + struct.pack("<IH", 8, len(entries))
            + b"".join(struct.pack("<HHII", *entry) for entry in entries) + bytes(8 * count))
    with pytest.raises(ImageError, match="1,048,576 parts") as caught:
        load(data, SQUARE)
    assert caught.value.kind == "limit"


def test_a_blank_picture_is_seen_a_part_at_a_time(monkeypatch):
    from zsl_cli.embedding.pictures import samples

    monkeypatch.setattr(samples, "_AT_ONCE", 50)
    grey = np.full((40, 20), 100, np.uint8)
    assert samples.is_blank(Image.fromarray(grey))
    grey[-1] = 120
    assert not samples.is_blank(Image.fromarray(grey))
    clear = np.zeros((40, 20, 4), np.uint8)
    clear[:20, :, 0] = 255
    assert samples.is_blank(Image.fromarray(clear))
    clear[-1, -1, 3] = 255
    assert not samples.is_blank(Image.fromarray(clear))


def test_a_sensors_picture_is_looked_at_before_it_is_decoded(tmp_path):
    pytest.importorskip("rawpy")
    (tmp_path / "a.dng").write_bytes(raw_photos.dng(bytes(100), (160, 120)))
    load(tmp_path / "a.dng", SQUARE, max_pixels=64 * 64)
    with pytest.raises(ImageError, match="its 4,096 pixels exceed"):
        load(tmp_path / "a.dng", SQUARE, max_pixels=64 * 64 - 1)


def test_the_preview_of_a_raw_photo_in_a_thousand_scans_is_refused(tmp_path):
    pytest.importorskip("rawpy")
    (tmp_path / "a.dng").write_bytes(raw_photos.dng(progressive(1000), (256, 256)))
    with pytest.raises(ImageError, match="more than 1,000 scans"):
        load(tmp_path / "a.dng", SQUARE)
