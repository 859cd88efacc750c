"""A path, bytes or a Pillow image → the encoder's square uint8 array."""

import os
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pictures import SQUARE, difference, encoded
from PIL import Image

from zsl_cli.embedding import images
from zsl_cli.embedding.images import load
from zsl_cli.errors import ImageError
from zsl_cli.support.preprocessing import Preprocessing


@pytest.fixture(scope="module")
def plain(cat):
    """The cat by the textbook way: resize the shorter side to 256, cut out the centre 224."""
    width, height = (round(side * 256 / min(cat.size)) for side in cat.size)
    resized = cat.resize((width, height), Image.Resampling.BICUBIC)
    left, top = (width - 224) // 2, (height - 224) // 2
    return np.asarray(resized.crop((left, top, left + 224, top + 224)))


def test_the_centre_square_is_what_resize_and_crop_would_give(cat, plain):
    assert difference(load(cat, SQUARE), plain, block=8) < 2


def test_a_picture_of_the_right_scale_is_cut_out_and_not_interpolated(cat):
    small = cat.resize((385, 256))
    expected = np.asarray(small)[16:240, 80:304]
    assert (load(small, SQUARE) == expected).all()


@pytest.mark.parametrize(("format_", "options", "tolerance"), [
    ("JPEG", {"quality": 95}, 4), ("PNG", {}, 0), ("WEBP", {"lossless": True}, 0),
    ("TIFF", {}, 0), ("BMP", {}, 0), ("GIF", {}, 12), ("PPM", {}, 0),
])
def test_every_format_gives_the_same_pixels(cat, format_, options, tolerance):
    assert difference(load(encoded(cat, format_, **options), SQUARE),
                      load(cat, SQUARE)) <= tolerance


@pytest.mark.usefixtures("avif")
def test_avif_where_pillow_has_it(cat):
    assert difference(load(encoded(cat, "AVIF", quality=90), SQUARE), load(cat, SQUARE)) < 5


def test_heic_with_the_extra(cat):
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    data = encoded(cat, "HEIF", quality=90)
    assert difference(load(data, SQUARE), load(cat, SQUARE)) < 5


def test_heic_without_the_extra_names_the_command_that_installs_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(ImageError, match=r"pip install 'zsl-cli\[heif\]'"):
        load(b"\0\0\0\x18ftypheic" + bytes(100), SQUARE)


@pytest.mark.parametrize("format_", ["GIF", "PNG", "WEBP"])
def test_of_an_animation_the_first_frame_is_taken(cat, format_):
    white = Image.new("RGB", cat.size, "white")
    data = encoded(cat, format_, save_all=True, append_images=[white, white])
    assert difference(load(data, SQUARE), load(cat, SQUARE)) < 12


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format_", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_is_applied(cat, orientation, format_):
    undo = {1: [], 2: [Image.Transpose.FLIP_LEFT_RIGHT], 3: [Image.Transpose.ROTATE_180],
            4: [Image.Transpose.FLIP_TOP_BOTTOM], 5: [Image.Transpose.TRANSPOSE],
            6: [Image.Transpose.ROTATE_90], 7: [Image.Transpose.TRANSVERSE],
            8: [Image.Transpose.ROTATE_270]}[orientation]
    stored = cat
    for step in undo:
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    got = load(encoded(stored, format_, exif=exif), SQUARE)
    assert difference(got, load(cat, SQUARE), block=8) < 2


@pytest.mark.parametrize("format_", ["TIFF", "PNG"])
def test_sixteen_bit_grey_is_scaled_and_not_clipped(cat, format_):
    grey = np.asarray(cat.convert("L"))
    deep = Image.fromarray(grey.astype(np.uint16) * 257)
    got = load(encoded(deep, format_), SQUARE)
    assert difference(got, load(Image.fromarray(grey), SQUARE)) < 1


def test_sixteen_bit_big_endian_tiff(cat):
    grey = np.asarray(cat.convert("L"))
    deep = (grey.astype(">u2") * 257).astype(">u2")
    image = Image.frombytes("I;16B", (grey.shape[1], grey.shape[0]), deep.tobytes())
    assert difference(load(image, SQUARE), load(Image.fromarray(grey), SQUARE)) < 1


def test_damaged_metadata_does_not_lose_the_picture(cat):
    for format_ in ("JPEG", "PNG"):
        data = encoded(cat, format_, exif=b"Exif\x00\x00garbage")
        assert difference(load(data, SQUARE), load(cat, SQUARE)) < 4


def test_infinities_and_negative_numbers_are_scaled_too(cat):
    grey = np.asarray(cat.convert("L"), np.float32)
    expected = load(Image.fromarray(grey), SQUARE)
    with_holes = grey.copy()
    with_holes[0, 0], with_holes[0, 1], with_holes[0, 2] = np.inf, -np.inf, np.nan
    assert difference(load(Image.fromarray(with_holes), SQUARE), expected) < 1
    negative = Image.fromarray((grey * 1000 - 100_000).astype(np.int32))
    assert difference(load(negative, SQUARE), expected) < 2
    with pytest.raises(ImageError, match="only NaN"):
        load(Image.fromarray(np.full((9, 9), np.nan, np.float32)), SQUARE)


def test_float_and_32_bit_images_are_scaled(cat):
    grey = np.asarray(cat.convert("L"))
    expected = load(Image.fromarray(grey), SQUARE)
    stretched = (grey - grey.min()) / np.ptp(grey) * 255
    from_float = load(Image.fromarray(grey.astype(np.float32) / 1000), SQUARE)
    assert difference(from_float, load(Image.fromarray(stretched.astype(np.uint8)), SQUARE)) < 2
    assert difference(load(Image.fromarray(grey.astype(np.int32) * 257), SQUARE), expected) < 1


@pytest.mark.parametrize("mode", ["RGBA", "LA", "PA"])
def test_transparent_pixels_are_white(mode):
    if mode == "PA":
        image = Image.new("P", (300, 300))
        image.putpalette([10, 20, 30])
        image.putalpha(0)
    else:
        image = Image.new("RGBA", (300, 300), (10, 20, 30, 0)).convert(mode)
    assert image.mode == mode
    assert load(image, SQUARE).min() == 255


def test_a_palette_with_a_transparent_colour_lies_on_white():
    image = Image.new("P", (300, 300), 0)
    image.putpalette([200, 0, 0, 0, 0, 200])
    image.info["transparency"] = 0
    assert load(encoded(image, "PNG", transparency=0), SQUARE).min() == 255


def test_palette_grey_bilevel_and_cmyk(cat):
    expected = load(cat, SQUARE)
    assert difference(load(cat.quantize(256), SQUARE), expected) < 12
    grey = load(cat.convert("L"), SQUARE)
    assert (grey[..., 0] == grey[..., 1]).all()
    assert set(np.unique(load(Image.new("1", (300, 300), 1), SQUARE))) == {255}
    inks = encoded(cat.convert("CMYK"), "JPEG", quality=95)
    assert difference(load(inks, SQUARE), expected) < 12


def test_reduced_size_decoding_is_close_to_full_size_decoding(cat):
    data = encoded(cat.resize((3608, 2400), Image.Resampling.LANCZOS), "JPEG", quality=92)
    full = load(data, SQUARE, reduced=False)
    assert 0 < difference(load(data, SQUARE), full) < 3


def test_reduced_size_decoding_never_goes_below_what_is_needed(cat, monkeypatch):
    sizes = []
    resize = Image.Image.resize

    def spy(self, *args, **options):
        sizes.append(min(self.size))
        return resize(self, *args, **options)

    monkeypatch.setattr(Image.Image, "resize", spy)
    for shorter in (260, 511, 513, 1000, 2050, 4100):
        data = encoded(cat.resize((shorter + 100, shorter)), "JPEG")
        sizes.clear()
        load(data, SQUARE)
        assert sizes[0] >= min(shorter * 0.999, images.REDUCING_GAP * 224)


def test_nchw_is_the_transpose_of_nhwc(cat):
    nchw = load(cat, Preprocessing(size=64, layout="NCHW"))
    assert nchw.shape == (3, 64, 64)
    assert (nchw.transpose(1, 2, 0) == load(cat, Preprocessing(size=64))).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (7, 3), (223, 225)])
def test_odd_shapes_work(size):
    assert load(Image.new("RGB", size, "red"), SQUARE).shape == (224, 224, 3)


@pytest.mark.parametrize(("options", "message"), [
    ({"size": 0}, "size"), ({"size": "224"}, "size"), ({"size": 224, "crop": 0}, "crop"),
    ({"size": 224, "interpolation": "magic"}, "interpolation"),
    ({"size": 224, "layout": "HWC"}, "layout"),
])
def test_impossible_preprocessing_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Preprocessing(**options)


def header_only_png(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds no pixels."""
    def chunk(kind: bytes, body: bytes) -> bytes:
        return (struct.pack(">I", len(body)) + kind + body
                + struct.pack(">I", zlib.crc32(kind + body)))

    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2,
                                                             0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b""))


def test_a_decompression_bomb_is_refused_before_decoding_and_the_option_named():
    message = r"2,500,000,000.*250,000,000 pixels.*`max_pixels`"
    with pytest.raises(ImageError, match=message) as caught:
        load(header_only_png(50_000, 50_000), SQUARE)
    assert caught.value.kind == "limit"


def test_the_limit_can_be_lowered_and_raised(cat):
    with pytest.raises(ImageError, match="135,300 pixels"):
        load(cat, SQUARE, max_pixels=451 * 300 - 1)
    assert load(encoded(cat, "PNG"), SQUARE, max_pixels=451 * 300).shape == (224, 224, 3)


def test_what_is_not_an_image_says_why(tmp_path):
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("This is no photograph.\n")
    (tmp_path / "folder.png").mkdir()
    os.mkfifo(tmp_path / "pipe.jpg")
    for name, message, kind in [
            ("empty.jpg", "the file is empty", "image"),
            ("text.jpg", "not an image in a known format", "image"),
            ("folder.png", "a folder, not an image", "file"),
            ("pipe.jpg", "not a regular file", "file"),
            ("nothing.jpg", "no such file", "missing"),
            ("nul\0.jpg", "null", "missing")]:
        with pytest.raises(ImageError, match=message) as caught:
            load(tmp_path / name, SQUARE)
        assert caught.value.kind == kind


def test_a_device_is_never_opened():
    with pytest.raises(ImageError, match="not a regular file"):
        load("/dev/zero", SQUARE)


@pytest.mark.usefixtures("posix")
def test_a_fifo_that_takes_a_photos_place_is_not_waited_for(cat_jpg, tmp_path, monkeypatch):
    fifo, looked_at = tmp_path / "photo.jpg", os.stat(cat_jpg)
    os.mkfifo(fifo)
    plain = os.stat
    monkeypatch.setattr(os, "stat", lambda path, **options: (
        looked_at if path == fifo else plain(path, **options)))
    with pytest.raises(ImageError, match="not a regular file"):
        load(fifo, SQUARE)


@pytest.mark.usefixtures("unprivileged")
def test_no_permission(cat_jpg, tmp_path):
    path = tmp_path / "locked.jpg"
    path.write_bytes(cat_jpg.read_bytes())
    path.chmod(0)
    with pytest.raises(ImageError, match="no permission") as caught:
        load(path, SQUARE)
    assert caught.value.kind == "permission"


def test_a_truncated_image_is_an_error_and_not_a_grey_half(cat):
    for format_ in ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP"):
        data = encoded(cat, format_)
        with pytest.raises(ImageError, match=r"cannot decode|not an image"):
            load(data[:len(data) // 2], SQUARE)


@pytest.mark.filterwarnings("ignore")  # Pillow warns of what it mends
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damaged_bytes_give_an_image_or_an_image_error_and_nothing_else(cat, data):
    """Property: any change of any byte, any cut, in any format."""
    format_ = data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM"]))
    damaged = bytearray(encoded(cat.resize((64, 48)), format_))
    for _ in range(data.draw(st.integers(1, 8))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(damaged)))
    try:
        assert load(bytes(damaged[:cut]), Preprocessing(size=32),
                    max_pixels=10_000_000).shape == (32, 32, 3)
    except ImageError as error:
        assert str(error)


@settings(max_examples=60, deadline=None)
@given(width=st.integers(1, 700), height=st.integers(1, 700),
       mode=st.sampled_from(["RGB", "L", "RGBA", "P", "CMYK", "1", "I", "F", "I;16", "LA"]))
def test_any_size_and_mode_gives_the_square(width, height, mode):
    image = Image.new(mode, (width, height))
    assert load(image, Preprocessing(size=48)).shape == (48, 48, 3)
