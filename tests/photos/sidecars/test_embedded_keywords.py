"""Keywords in the photo itself are found, whatever carries them, and never at any price."""

import io
import random
import re
import struct
import subprocess
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from sidecar_samples import ADOBE, ALONE, HIERARCHY, MADE, SUBJECT, TABBY, subjects, values, wrapped

from zsl_cli.photos.sidecars import embedded_keywords
from zsl_cli.photos.sidecars.elements import name
from zsl_cli.photos.sidecars.files import Sidecars
from zsl_cli.photos.sidecars.iptc import keywords_in

DC, LR = (name(*tag[1:].split("}")) for tag in (SUBJECT, HIERARCHY))
XMP = wrapped(subjects(["Grandma", "Ulm"]))
WITH_XMP = ["jpg", "png", "webp", "tiff", "avif", "gif", "jp2"]


def picture(form, **options) -> bytes:
    file = io.BytesIO()
    Image.effect_noise((40, 30), 50).convert("RGB").save(
        file, {"jpg": "JPEG", "jp2": "JPEG2000"}.get(form, form.upper()), **options)
    return file.getvalue()


def with_xmp(form, xmp=XMP) -> bytes:
    if form == "tiff":
        return picture("tiff", tiffinfo={700: xmp})
    if form == "gif":
        data = picture("gif")
        trailer = b"\x01" + bytes(range(255, -1, -1)) + b"\0"
        return data[:-1] + b"\x21\xff\x0bXMP DataXMP" + xmp + trailer + b";"
    if form == "jp2":
        box = bytes.fromhex("BE7ACFCB97A942E89C71999491E3AFAC") + xmp
        return picture("jp2") + struct.pack(">I4s", len(box) + 8, b"uuid") + box
    if form == "png":
        return picture("png", pnginfo=_text(b"XML:com.adobe.xmp", xmp))
    return picture(form, xmp=xmp)


def _text(keyword, xmp):
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_itxt(keyword.decode(), xmp.decode())
    return info


def dataset(number, value, record=2) -> bytes:
    if len(value) > 0x7FFF:
        return struct.pack(">BBBHI", 0x1C, record, number, 0x8004, len(value)) + value
    return struct.pack(">BBBH", 0x1C, record, number, len(value)) + value


def photoshop(iptc) -> bytes:
    other = b"8BIM\x03\xed\x03odd" + struct.pack(">I", 3) + b"abc\0"
    return other + b"8BIM\x04\x04\0\0" + struct.pack(">I", len(iptc)) + iptc + b"\0" * (
        len(iptc) % 2)


def segment(marker, data) -> bytes:
    return b"\xff" + bytes([marker]) + struct.pack(">H", len(data) + 2) + data


def jpeg(*segments) -> bytes:
    data = picture("jpg")
    return data[:2] + b"".join(segments) + data[2:]


def read(tmp_path, data):
    (tmp_path / "photo").write_bytes(data)
    return embedded_keywords.read(tmp_path / "photo")


def found(tmp_path, data):
    answer = read(tmp_path, data)
    assert answer.problem == ""
    return answer.lists


@pytest.mark.parametrize("form", WITH_XMP)
def test_xmp_is_found(tmp_path, form):
    assert found(tmp_path, with_xmp(form)) == {DC: ["Grandma", "Ulm"]}
    assert found(tmp_path, with_xmp(form, ADOBE)) == {DC: ["Müller & Söhne", "Ulm"]}
    assert found(tmp_path, picture(form)) == {}


def test_xmp_in_heic_is_found(tmp_path):
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    heif.from_pillow(Image.new("RGB", (64, 64))).save(file, xmp=XMP)
    assert found(tmp_path, file.getvalue()) == {DC: ["Grandma", "Ulm"]}


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("late", [True, False])
def test_xmp_in_png_is_found_before_and_behind_the_picture_and_compressed(tmp_path, packed, late):
    text = b"XML:com.adobe.xmp\0" + bytes([packed, 0]) + b"\0\0" + (
        zlib.compress(XMP) if packed else XMP)
    chunk = struct.pack(">I", len(text)) + b"iTXt" + text + struct.pack(
        ">I", zlib.crc32(b"iTXt" + text))
    data = picture("png")
    place = data.rindex(b"IEND") - 4 if late else data.index(b"IDAT") - 4
    assert found(tmp_path, data[:place] + chunk + data[place:]) == {DC: ["Grandma", "Ulm"]}


def test_xmp_that_is_too_long_for_a_segment_is_put_together(tmp_path):
    guid, long = b"0123456789ABCDEF0123456789ABCDEF", wrapped(subjects(["Long"]) + "\n" * 90_000)
    main = wrapped("", ' xmlns:n="http://ns.adobe.com/xmp/note/"'
                   f' n:HasExtendedXMP="{guid.decode()}"')
    parts = [segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0" + guid
                     + struct.pack(">II", len(long), start) + long[start:start + 60_000])
             for start in (60_000, 0)]
    first = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + main)
    assert found(tmp_path, jpeg(first, *parts)) == {DC: ["Long"]}
    assert found(tmp_path, jpeg(*parts)) == {}  # of an earlier state


IPTC = b"".join([dataset(90, b"\x1b%G", 1), dataset(25, "Süd".encode()), dataset(25, b"Ulm"),
                 dataset(5, b"x")])


@pytest.mark.parametrize("carrier", [
    "jpeg", "split", "tiff", "tiff-longs", "tiff-photoshop", "png"])
def test_iptc_keywords_are_found(tmp_path, carrier):
    head, resources = b"Photoshop 3.0\0", photoshop(IPTC)
    if carrier == "jpeg":
        data = jpeg(segment(0xED, head + resources))
    elif carrier == "split":
        data = jpeg(segment(0xED, head + resources[:40]), segment(0xED, head + resources[40:]))
    elif carrier == "tiff":
        data = picture("tiff", tiffinfo={33723: IPTC})
    elif carrier == "tiff-longs":
        longs = IPTC + b"\0" * (-len(IPTC) % 4)
        plain = picture("tiff", tiffinfo={33723: longs})
        entry = struct.pack("<HH", 33723, 7)
        data = plain.replace(entry + struct.pack("<I", len(longs)),
                             struct.pack("<HHI", 33723, 4, len(longs) // 4))
        assert data != plain
    elif carrier == "tiff-photoshop":
        data = picture("tiff", tiffinfo={34377: resources})
    else:
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_text("Raw profile type iptc",
                      f"\nIPTC profile\n   {len(resources)}\n{resources.hex()}\n", zip=True)
        data = picture("png", pnginfo=info)
    assert found(tmp_path, data) == {DC: ["Süd", "Ulm"]}


@pytest.mark.parametrize(("said", "encoding", "text"), [
    (b"\x1b%G", "utf-8", "日本"), (b"", "utf-8", "Süd"), (b"", "cp1252", "Süd – “x”"),
    (b"", "latin-1", "\x81é"), (b"\x1b-L", "iso-8859-5", "Юг"), (b"\x1b-B", "iso-8859-2", "Łódź"),
    (b"\x1b%G", "latin-1", "Süd"), (b"other", "utf-8", "Süd")])
def test_iptc_in_the_character_set_that_it_says_or_seems_to_have(said, encoding, text):
    head = dataset(90, said, 1) if said else b""
    assert keywords_in(head + dataset(25, text.encode(encoding))) == [text]


def test_a_long_dataset_and_padding(tmp_path):
    assert keywords_in(dataset(120, b"x" * 70_000) + dataset(25, b"a") + b"\0" * 9) == ["a"]


def test_windows_keywords_are_found(tmp_path):
    exif = Image.Exif()
    exif[0x9C9E] = "Oma;Süd".encode("utf-16-le") + b"\0\0"
    assert found(tmp_path, picture("jpg", exif=exif)) == {DC: ["Oma", "Süd"]}
    assert found(tmp_path, picture("webp", exif=exif)) == {DC: ["Oma", "Süd"]}
    assert found(tmp_path, picture("png", exif=exif)) == {DC: ["Oma", "Süd"]}


def test_all_lists_are_kept_apart(tmp_path):
    namespace = ' xmlns:lr="http://ns.adobe.com/lightroom/1.0/"'
    xmp = wrapped(subjects(["Grandma"]) + "<lr:hierarchicalSubject><rdf:Bag><rdf:li>People|Grandma"
                  "</rdf:li></rdf:Bag></lr:hierarchicalSubject>", namespace)
    assert found(tmp_path, with_xmp("jpg", xmp)) == {DC: ["Grandma"], LR: ["People|Grandma"]}


def test_what_exiftool_embeds_is_found(tmp_path, exiftool):
    for form in ("jpg", "png", "tiff", "webp", "gif", "jp2", "avif"):
        (tmp_path / f"photo.{form}").write_bytes(picture(form))
    photos = sorted(map(str, tmp_path.iterdir()))
    subprocess.run([exiftool, "-q", "-overwrite_original", "-XMP-dc:Subject=Süd",
                    "-XMP-dc:Subject=A&B", "-XMP-lr:HierarchicalSubject=A|B", *photos], check=True)
    subprocess.run([exiftool, "-q", "-q", "-overwrite_original", "-IPTC:Keywords=Oma",
                    *(photo for photo in photos if photo[-4:] in (".jpg", ".png", "tiff"))],
                   check=True)
    for photo in photos:
        answer = embedded_keywords.read(photo)
        iptc = ["Oma"] * photo.endswith((".jpg", ".png", "tiff"))
        assert answer == embedded_keywords.Embedded({DC: ["Süd", "A&B", *iptc], LR: ["A|B"]})


# --- what can't be read


@pytest.mark.parametrize(("data", "problem"), [
    (with_xmp("jpg", b"<x:xmpmeta"), "not well-formed XML"),
    (with_xmp("jpg", b'<!DOCTYPE a [<!ENTITY b "c">]>' + XMP), "DOCTYPE"),
    (with_xmp("jpg", wrapped("", f" xmlns:p='{'u' * 500}'")), "namespace in it is longer"),
    (picture("jpg")[:30], "cut off"),
    (jpeg(segment(0xED, b"Photoshop 3.0\0" + photoshop(dataset(25, b"abc")[:-1]))), "IPTC"),
    (jpeg(segment(0xED, b"Photoshop 3.0\0" + photoshop(b"x" * 99)[:-30])), "IPTC"),
    (b"\xff\xd8\xff\xe0" + b"\0" * 1_000_000, "exceeds the limit|cut off"),
    (b"II*\0\xff\xff\xff\xff", "cut off"),
    (b"II+\0\x08\0\0\0" + b"\xff" * 8, "damaged|cut off"),
    (b"RIFF\0\0\0\0WEBPXMP \xff\xff\xff\xff", "exceeds the limit"),
    (b"....ftypheic" + b"<x:xmpmeta >" + b" " * 99, "cut off"),
], ids=["xml", "doctype", "packet", "short", "records", "resources", "no-marker", "tiff",
        "big-tiff", "webp", "heic"])
def test_what_cannot_be_read_is_said_and_is_no_error(tmp_path, data, problem):
    answer = read(tmp_path, data)
    assert answer.lists == {}
    assert re.search(problem, answer.problem)
    assert "move it away" not in answer.problem


def test_what_else_there_is_is_found_all_the_same(tmp_path):
    broken = segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<broken")
    answer = read(tmp_path, jpeg(broken, segment(0xED, b"Photoshop 3.0\0" + photoshop(IPTC))))
    assert answer.lists == {DC: ["Süd", "Ulm"]}
    assert "well-formed" in answer.problem
    assert embedded_keywords.read(tmp_path / "none").problem == "no such file"


def test_little_that_grows_to_much_is_given_up(tmp_path):
    text = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b" " * 100_000_000)
    chunk = struct.pack(">I", len(text)) + b"iTXt" + text + b"crc."
    start = time.process_time()
    assert "limit" in read(tmp_path, b"\x89PNG\r\n\x1a\n" + chunk * 100).problem
    assert "limit" in read(tmp_path, b"\xff\xd8\xff\xe1\0\2" + b"\xff\xe1\0\2" * 9_000_000).problem
    assert time.process_time() - start < 10


@given(st.sampled_from([*WITH_XMP, "iptc"]), st.randoms(use_true_random=False))
def test_damage_never_raises(tmp_path_factory, form, chance: random.Random):
    data = bytearray(jpeg(segment(0xED, b"Photoshop 3.0\0" + photoshop(IPTC))) if form == "iptc"
                     else SAMPLES[form])
    for _ in range(chance.randrange(1, 20)):
        data[chance.randrange(min(len(data), 400))] = chance.randrange(256)
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(data[:chance.randrange(len(data))])
    found = embedded_keywords.read(path)
    assert "\n" not in found.problem
    assert all(isinstance(text, str) for texts in found.lists.values() for text in texts)


SAMPLES = {form: with_xmp(form) for form in WITH_XMP}


# --- what comes of it


def test_a_new_sidecar_holds_them_and_one_that_could_not_be_read_is_told(tmp_path):
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(with_xmp("jpg"))
    [change] = Sidecars(layout=ALONE).plan(str(photo), [TABBY], MADE)
    assert values(change.after, SUBJECT) == ["Grandma", "Ulm", "tabby"]
    assert change.warning == ""
    photo.write_bytes(with_xmp("jpg", b"<broken"))
    [change] = Sidecars(layout=ALONE).plan(str(photo), [TABBY], MADE)
    assert values(change.after, SUBJECT) == ["tabby"]
    assert "embedded in the photo" in change.warning
