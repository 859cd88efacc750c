"""Which files are opened, as what, and what is said of the others."""

import importlib
import io
import os
import struct
import sys
import zlib

import pytest
from pictures import SQUARE, difference, encoded
from PIL import Image, ImageCms, PngImagePlugin
from raw_photos import dng

from zsl_cli.embedding.images import load
from zsl_cli.embedding.pictures import formats
from zsl_cli.errors import ImageError

CERTAIN = {b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n": "a PostScript program",
           b"\xc5\xd0\xd3\xc6" + bytes(30): "a PostScript program",
           b"%PDF-1.7\n": "a PDF document", b"8BPS\0\1" + bytes(30): "a Photoshop document",
           b"<?xml version='1.0'?>\n<!-- a -->\n<svg>": "an SVG drawing",
           b"<svg xmlns='x'>": "an SVG drawing", b"<!DOCTYPE html><html>": "a web page",
           b"<html><body><svg>": "a web page",
           b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom": "a film",
           b"\0\0\0\x14ftypqt  \0\0\0\0qt  ": "a film", b"\x1aE\xdf\xa3" + bytes(9): "a film",
           b"RIFF\0\0\0\0AVI LIST": "a film", b"PK\3\4" + bytes(30): "an archive",
           b"version https://git-lfs.github.com/spec/v1\n": "run git lfs pull"}


@pytest.mark.parametrize("start", CERTAIN, ids=lambda start: repr(start[:12]))
@pytest.mark.parametrize("name", ["photo.jpg", "IMG_0001.HEIC", "scan.tif"])
def test_what_is_no_image_is_called_what_it_is(tmp_path, start, name):
    (tmp_path / name).write_bytes(start)
    with pytest.raises(ImageError, match=f"not an image but .*{CERTAIN[start]}") as caught:
        load(tmp_path / name, SQUARE)
    assert "pip install" not in str(caught.value)


def test_a_program_that_is_called_a_photo_is_not_run(tmp_path, monkeypatch):
    """Pillow would hand it to Ghostscript."""
    def run(*_arguments, **_named):
        raise AssertionError("a process was started")

    monkeypatch.setattr("subprocess.Popen.__init__", run)
    monkeypatch.setattr("subprocess.check_call", run)
    (tmp_path / "photo.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    Image.init()  # as if somebody else had registered every format
    with pytest.raises(ImageError, match="PostScript"):
        load(tmp_path / "photo.jpg", SQUARE)


@pytest.mark.parametrize("format_", ["PCX", "SGI", "IM", "DDS", "XBM"])
def test_formats_that_are_not_promised_are_not_opened(cat, format_):
    Image.init()
    data = encoded(cat.convert("1" if format_ == "XBM" else "RGB"), format_)
    with pytest.raises(ImageError, match="not an image in a known format"):
        load(data, SQUARE)


def test_a_tga_is_known_by_its_name(cat, tmp_path):
    cat.save(tmp_path / "cat.tga")
    assert (load(tmp_path / "cat.tga", SQUARE) == load(cat, SQUARE)).all()


@pytest.mark.usefixtures("avif")
@pytest.mark.parametrize("brand", [b"mif1", b"msf1", b"miaf"])
def test_an_avif_needs_no_extra_whatever_its_first_brand(cat, brand, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    data = encoded(cat, "AVIF")
    renamed = data[:8] + brand + data[12:]
    assert b"avif" in renamed[:40]
    assert (load(renamed, SQUARE) == load(data, SQUARE)).all()


def test_large_metadata_of_a_png_do_not_matter(cat):
    expected = load(cat, SQUARE)
    for kind in ("text", "international text", "profile"):
        info, options = PngImagePlugin.PngInfo(), {}
        if kind == "text":
            info.add_text("workflow", "x" * 5_000_000, zip=True)
        elif kind == "international text":
            info.add_itxt("XML:com.adobe.xmp", "<x>" + "y" * 5_000_000 + "</x>", zip=True)
        else:
            srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
            options["icc_profile"] = srgb + os.urandom(3_000_000)
        got = load(encoded(cat, "PNG", pnginfo=info, **options), SQUARE)
        assert (got == expected).all(), kind


def test_metadata_of_a_png_have_a_limit_all_the_same(cat):
    info = PngImagePlugin.PngInfo()
    info.add_text("bomb", "x" * 100_000_000, zip=True)
    with pytest.raises(ImageError, match="cannot decode"):
        load(encoded(cat, "PNG", pnginfo=info), SQUARE)


def png_in_icon(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunk = struct.pack(">I", 13) + b"IHDR" + header + struct.pack(">I", zlib.crc32(
        b"IHDR" + header))
    png = b"\x89PNG\r\n\x1a\n" + chunk
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(png), 22) + png


def bitmap_in_icon(width, height):
    bitmap = struct.pack("<IiiHHIIiiII", 40, width, 2 * height, 1, 32, 0, 0, 0, 0, 0, 0)
    return struct.pack("<HHHBBBBHHII", 0, 1, 1, 16, 16, 0, 0, 1, 32, len(bitmap), 22) + bitmap


def extended_webp(width, height):
    body = b"WEBPVP8X" + struct.pack("<II", 10, 0) + (width - 1).to_bytes(3, "little") + (
        height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", len(body)) + body


def jxl_header(width, height):
    """ISO/IEC 18181-1, SizeHeader: not small, sides of 30 bits, no ratio."""
    bits = 0 | 3 << 1 | (height - 1) << 3 | 0 << 33 | 3 << 36 | (width - 1) << 38
    return b"\xff\x0a" + bits.to_bytes(9, "little") + bytes(99)


def jxl_in_boxes(width, height):
    data = jxl_header(width, height)
    return (b"\0\0\0\x0cJXL \r\n\x87\n" + b"\0\0\0\x14ftypjxl \0\0\0\0jxl " + struct.pack(
        ">I", len(data) + 8) + b"jxlc" + data)


@pytest.mark.parametrize("made", [png_in_icon, bitmap_in_icon, extended_webp, jxl_header,
                                  jxl_in_boxes])
def test_the_size_is_looked_at_before_anything_is_decoded(made):
    with pytest.raises(ImageError, match="its 225,000,000 pixels exceed the limit of 1,000,000"):
        load(made(15_000, 15_000), SQUARE, max_pixels=1_000_000)


@pytest.mark.parametrize("size", [(1, 1), (8, 16), (255, 33), (640, 480), (4000, 3000)])
def test_the_size_of_a_jpeg_xl_is_what_its_header_says(size):
    pytest.importorskip("pillow_jxl")
    from zsl_cli.embedding.pictures.headers import jxl_size

    file = io.BytesIO(encoded(Image.new("RGB", size), "JXL"))
    assert jxl_size(file) == size


def test_jpeg_xl_with_the_extra(cat):
    pytest.importorskip("pillow_jxl")
    got = load(encoded(cat, "JXL", lossless=True), SQUARE)
    assert (got == load(cat, SQUARE)).all()


@pytest.mark.parametrize(("start", "extra", "module"), [
    (b"\xff\x0a" + bytes(30), "jxl", "pillow_jxl"),
    (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "raw", "rawpy"),
    (b"FUJIFILMCCD-RAW 0201", "raw", "rawpy"),
    (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "heif", "pillow_heif")])
def test_what_an_extra_reads_names_the_extra(tmp_path, monkeypatch, start, extra, module):
    monkeypatch.setitem(sys.modules, module, None)
    (tmp_path / "photo.heic").write_bytes(start)
    with pytest.raises(ImageError, match=rf"pip install 'zsl-cli\[{extra}\]'") as caught:
        load(tmp_path / "photo.heic", SQUARE)
    assert caught.value.kind == "decoder"


TURNED = {1: None, 3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90,
          8: Image.Transpose.ROTATE_270}


@pytest.mark.parametrize("orientation", TURNED)
@pytest.mark.parametrize("name", ["photo.dng", "photo.HEIC", "photo.tif"])
def test_of_a_raw_photo_the_preview_is_taken_and_turned(cat, tmp_path, orientation, name):
    pytest.importorskip("rawpy")
    turn = TURNED[orientation]
    stored = cat if turn is None else cat.transpose(turn)
    data = dng(encoded(stored, "JPEG", quality=95), stored.size, orientation)
    (tmp_path / name).write_bytes(data)
    assert difference(load(tmp_path / name, SQUARE), load(cat, SQUARE), block=8) < 2


def test_a_raw_photo_without_a_preview_is_made_of_the_sensors_picture(tmp_path):
    pytest.importorskip("rawpy")
    (tmp_path / "photo.dng").write_bytes(dng(b"", (0, 0)))
    assert load(tmp_path / "photo.dng", SQUARE).shape == (224, 224, 3)


def test_every_format_has_a_plugin_of_pillow():
    for plugin in formats._PLUGINS.values():
        importlib.import_module(f"PIL.{plugin}ImagePlugin")
    assert set(formats._PLUGINS) <= set(Image.OPEN)
