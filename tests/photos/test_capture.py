"""When and where a photo was taken is found, whatever carries it, and damage never raises."""

import io
import json
import random
import struct
import subprocess
import tracemalloc
import zlib

import pytest
from damage import damaged
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational
from sidecar_samples import wrapped

from zsl_cli.photos import capture
from zsl_cli.photos.capture import Capture

DATE_TIME, ORIGINAL, DIGITIZED, EXIF, GPS = 0x0132, 0x9003, 0x9004, 0x8769, 0x8825
TAKEN = "2024-07-01T18:03:22"
PARIS = {1: "N", 2: (48.0, 51.0, 29.5), 3: "W", 4: (2.0, 17.0, 40.2)}
WHOLE = Capture(TAKEN, 48.8581944, -2.2945)
FORMS = ["JPEG", "PNG", "WEBP", "AVIF", "MPO"]
XMP_TIME = ' xmlns:{0}="{1}" {0}:{2}="{3}"'
NAMESPACES = {"exif": "http://ns.adobe.com/exif/1.0/",
              "photoshop": "http://ns.adobe.com/photoshop/1.0/",
              "xmp": "http://ns.adobe.com/xap/1.0/"}


def exif(original="2024:07:01 18:03:22", digitized=None, changed="2025:01:01 00:00:00", gps=PARIS):
    made = Image.Exif()
    made[0x010F] = "Camera"
    for tags, tag, value in ((made, DATE_TIME, changed), (made.get_ifd(EXIF), ORIGINAL, original),
                             (made.get_ifd(EXIF), DIGITIZED, digitized)):
        if value is not None:
            tags[tag] = value
    made.get_ifd(EXIF)[0x927C] = b"a note of its maker's" * 99
    made.get_ifd(GPS).update(gps)
    return made


def picture(form="JPEG", **options) -> bytes:
    file = io.BytesIO()
    image = Image.effect_noise((40, 30), 50).convert("RGB")
    if form == "MPO":
        options |= {"save_all": True, "append_images": [image]}
    image.save(file, form, **options)
    return file.getvalue()


def as_tiff(made) -> bytes:
    return made.tobytes().removeprefix(b"Exif\0\0")


def read(data) -> Capture:
    return capture.read(io.BytesIO(data))


def box(kind, content) -> bytes:
    return struct.pack(">I4s", len(content) + 8, kind) + content


@pytest.mark.parametrize("form", FORMS)
def test_time_and_place_are_found(form):
    assert read(picture(form, exif=exif())) == WHOLE
    assert read(picture(form)) == Capture()


def test_they_are_found_in_a_file_on_disk_wherever_it_stands(tmp_path):
    (tmp_path / "photo.jpg").write_bytes(picture(exif=exif()))
    with open(tmp_path / "photo.jpg", "rb") as file:
        file.seek(500)
        assert capture.read(file) == capture.read(file) == WHOLE


def test_they_are_found_in_heic():
    heif = pytest.importorskip("pillow_heif")
    file = io.BytesIO()
    image = heif.from_pillow(Image.new("RGB", (64, 64)))
    image.save(file, exif=exif().tobytes())
    assert read(file.getvalue()) == WHOLE
    file = io.BytesIO()
    image.save(file, xmp=wrapped("", XMP_TIME.format("xmp", NAMESPACES["xmp"], "CreateDate",
                                                     TAKEN)))
    assert read(file.getvalue()) == Capture(TAKEN)


def test_they_are_found_in_jpeg_xl():
    pytest.importorskip("pillow_jxl")
    assert read(picture("JXL", exif=exif().tobytes())) == WHOLE


def test_they_are_found_in_tiff_and_in_raw_photos():
    tiff = as_tiff(exif())
    assert read(tiff) == WHOLE
    first = io.BytesIO()
    Image.new("RGB", (9, 9)).save(first, "TIFF", tiffinfo={DATE_TIME: "2024:07:01 18:03:22"})
    assert read(first.getvalue()) == Capture(TAKEN)
    for start in (b"IIRO", b"IIU\0"):  # as II*\0 but for this
        made = Image.Exif()
        made.endian = "<"
        made.get_ifd(EXIF)[ORIGINAL] = "2024:07:01 18:03:22"
        assert read(start + as_tiff(made)[4:]) == Capture(TAKEN)
    jpeg = picture(exif=exif())
    assert read(b"FUJIFILMCCD-RAW ".ljust(84, b"\0") + struct.pack(">I", 100) + b"\0" * 12
                + jpeg) == WHOLE


def test_they_are_found_in_boxes_of_other_formats():
    begin = box(b"ftyp", b"jp2 \0\0\0\0")
    assert read(begin + box(b"jp2h", b"x" * 99)
                + box(b"uuid", b"JpgTiffExif->JP2" + as_tiff(exif()))) == WHOLE
    # Canon's CR3 has each directory as the first one of a TIFF file of its own.
    time, place = Image.Exif(), Image.Exif()
    time[ORIGINAL] = "2024:07:01 18:03:22"
    for tag, value in PARIS.items():
        place[tag] = value if isinstance(value, str) else tuple(map(IFDRational, value))
    canon = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
    assert read(box(b"ftyp", b"crx \0\0\0\0") + box(b"moov", box(b"uuid", canon + box(
        b"CMT2", as_tiff(time)) + box(b"CMT4", as_tiff(place))))) == WHOLE


def test_they_are_found_in_texts_that_imagemagick_writes():
    for name in ("exif", "APP1"):
        info, data = PngInfo(), exif().tobytes()
        info.add_text(f"Raw profile type {name}", f"\n{name}\n   {len(data)}\n{data.hex()}\n",
                      zip=True)
        assert read(picture("PNG", pnginfo=info)) == WHOLE


def test_the_time_of_taking_is_before_that_of_digitizing_and_that_of_changing():
    assert read(picture(exif=exif(digitized="2024:07:02 00:00:00"))).taken == TAKEN
    assert read(picture(exif=exif(None, "2024:07:02 00:00:00"))).taken == "2024-07-02T00:00:00"
    assert read(picture(exif=exif("0000:00:00 00:00:00"))).taken == "2025-01-01T00:00:00"
    assert read(picture(exif=exif(None, None, None))).taken is None


@pytest.mark.parametrize("text", [
    "2024:07:01 18:03:22", "2024-07-01 18:03:22", "2024/07/01 18:03:22", "2024-07-01T18:03:22",
    "2024:07:01 18:03:22\0\0", " 2024:07:01  18:03:22 ", "2024:07:01 18:03:22.123",
    "2024-07-01T18:03:22+02:00", "2024-07-01T18:03:22.5Z", "2024:07:01\x0018:03:22",
    "2024:7:1 18:03:22"])
def test_a_time_is_understood_as_programs_write_it(text):
    assert read(picture(exif=exif(text, changed=None))).taken == TAKEN


@pytest.mark.parametrize(("text", "taken"), [
    ("2024:07:01 18:03", "2024-07-01T18:03:00"), ("2024:07:01", "2024-07-01T00:00:00"),
    ("2024:07:01   :  :  ", "2024-07-01T00:00:00")])
def test_of_a_time_without_all_parts_the_rest_is_nought(text, taken):
    assert read(picture(exif=exif(text, changed=None))).taken == taken


@pytest.mark.parametrize("text", [
    "0000:00:00 00:00:00", "    :  :     :  :  ", "2024:13:01 00:00:00", "2024:02:30 00:00:00",
    "2024:07:01 24:00:00", "2024:07:01 18:60:00", "0001:01:01 00:00:00", "", "yesterday",
    "2024", "2024:07", "20240701", "\xff\xfe"])
def test_what_is_no_time_is_none(text):
    assert read(picture(exif=exif(text.encode("latin-1"), changed=None))).taken is None


@pytest.mark.parametrize(("gps", "place"), [
    (PARIS, (48.8581944, -2.2945)),
    ({1: "S", 2: (33.5,), 3: "E", 4: (151.25,)}, (-33.5, 151.25)),
    ({1: "n", 2: (0.0, 0.0, 0.0), 3: "W", 4: (10.0, 30.0)}, (0.0, -10.5)),
    ({1: "S", 2: (90.0, 0.0, 0.0), 3: "E", 4: (180.0, 0.0, 0.0)}, (-90.0, 180.0))])
def test_a_place_has_the_signs_of_its_letters(gps, place):
    found = read(picture(exif=exif(gps=gps)))
    assert (found.latitude, found.longitude) == place
    assert str(found.latitude) == str(place[0])  # no -0.0


@pytest.mark.parametrize("change", [
    {1: "X"}, {1: ""}, {2: (91.0, 0.0, 0.0)}, {4: (180.0, 0.0, 1.0)}, {1: None}, {2: None},
    {3: None}, {4: None}, {2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)}, {2: (4e9, 0.0, 0.0)}, {2: ()},
    {2: (1.0, 1.0, 1.0, 1.0)}], ids=str)
def test_what_is_no_place_is_none_and_hides_no_time(change):
    gps = {tag: value for tag, value in (PARIS | change).items() if value is not None}
    assert read(picture(exif=exif(gps=gps))) == Capture(TAKEN)


def test_noughts_below_and_numbers_of_another_type_are_no_place():
    plain = as_tiff(exif())
    seconds = struct.pack(">II", 59, 2)
    assert seconds in plain
    for ratio in ((0, 0), (59, 0)):
        assert read(plain.replace(seconds, struct.pack(">II", *ratio))) == Capture(TAKEN)
    latitude = struct.pack(">HHI", 2, 5, 3)
    assert plain.count(latitude) == 1
    assert read(plain.replace(latitude, struct.pack(">HHI", 2, 12, 3))) == Capture(TAKEN)


# --- XMP


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF"])
@pytest.mark.parametrize(("prefix", "local"), [
    ("exif", "DateTimeOriginal"), ("photoshop", "DateCreated"), ("xmp", "CreateDate")])
def test_the_time_of_xmp_is_taken_where_exif_has_none(form, prefix, local):
    time = "2024-07-01T18:03:22.50+02:00"
    for xmp in (wrapped("", XMP_TIME.format(prefix, NAMESPACES[prefix], local, time)),
                wrapped(f'<a:{local} xmlns:a="{NAMESPACES[prefix]}">{time}</a:{local}>')):
        if form == "TIFF":
            options = {"tiffinfo": {700: xmp}}
        elif form == "PNG":
            options = {"pnginfo": PngInfo()}
            options["pnginfo"].add_itxt("XML:com.adobe.xmp", xmp.decode())
        else:
            options = {"xmp": xmp}
        assert read(picture(form, **options)) == Capture(TAKEN)
        if form not in ("TIFF", "AVIF"):
            assert read(picture(form, exif=exif(None, None, None), **options)) == WHOLE
            assert read(picture(form, exif=exif("2020:01:01 00:00:00"), **options)
                        ).taken == "2020-01-01T00:00:00"


def test_xmp_that_is_damaged_or_speaks_of_no_time_is_none():
    for xmp in (b"<xmp:CreateDate", wrapped("", " xmlns:a='b' a:CreateDate='2024-07-01T18:03:22'"),
                wrapped("", XMP_TIME.format("xmp", NAMESPACES["xmp"], "CreateDate", "soon")),
                wrapped("<!-- CreateDate -->" + " " * 2_000_000)):
        assert read(picture("WEBP", xmp=xmp)) == Capture()


# --- damage


def samples():
    yield from (picture(form, exif=exif()) for form in FORMS)
    yield as_tiff(exif())
    yield picture("WEBP", xmp=wrapped("", XMP_TIME.format("xmp", NAMESPACES["xmp"], "CreateDate",
                                                          TAKEN)))
    canon = bytes.fromhex("85c0b687820f11e08111f4ce462b6a48")
    yield box(b"ftyp", b"crx \0\0\0\0") + box(b"moov", box(b"uuid", canon + box(
        b"CMT2", as_tiff(exif())) + box(b"CMT4", as_tiff(exif()))))


class Counting(io.BytesIO):
    """Counts the bytes that are read."""

    count = 0

    def read(self, size=-1, /):
        data = super().read(size)
        self.count += len(data)
        return data


def test_damage_never_raises():
    chance, known = random.Random(20), list(samples())
    whole = 0
    for number in range(4_000):
        data = known[number % len(known)]
        if number % 3:
            data = bytearray(data)
            for _ in range(chance.randrange(1, 20)):
                data[chance.randrange(min(len(data), 600))] = chance.choice((0, 255, 1, 13, 42))
            data = bytes(data[:chance.randrange(len(data))] if number % 2 else data)
        else:
            data = damaged(data, chance.choice(known), chance)
        file = Counting(data)
        found = capture.read(file)
        assert file.count < 5_000_000
        assert (found.latitude is None) == (found.longitude is None)
        assert abs(found.latitude or 0) <= 90
        assert abs(found.longitude or 0) <= 180
        assert found.taken is None or len(found.taken) == 19
        whole += found == WHOLE
    assert whole > 100  # the damage is not such that nothing is looked at


@pytest.mark.parametrize("data", [
    b"", b"\xff\xd8\xff", b"\xff\xd8\xff\xe1", b"GIF89a", b"II*\0", b"MM\0*\xff\xff\xff\xff",
    b"II+\0\x08\0\0\0" + b"\xff" * 40, b"RIFF\0\0\0\0WEBPEXIF\xff\xff\xff\xff", b"plain text",
    *(box(b"ftyp", b"heic") + meta for meta in (
        box(b"meta", b""), b"\0\0\0\1meta" + b"\xff" * 8, b"\0\0\0\0meta"))])
def test_what_is_no_photo_or_nothing_but_a_beginning_says_nothing(tmp_path, data):
    assert read(data) == Capture()
    (tmp_path / "photo").write_bytes(data)
    with open(tmp_path / "photo", "rb") as file:
        assert capture.read(file) == Capture()


def test_directories_that_lead_to_themselves_end():
    entry = struct.pack(">HHII", EXIF, 4, 1, 8) + struct.pack(">HHII", GPS, 4, 1, 8)
    assert read(b"MM\0*\0\0\0\x08\0\x02" + entry + b"\0\0\0\x08") == Capture()


def test_no_more_than_some_megabytes_are_read():
    for data in (b"\xff\xd8\xff\xe1\0\2" + b"\xff\xe1\0\2" * 5_000_000,
                 b"\xff\xd8\xff" + b"\0" * 20_000_000,
                 b"\x89PNG\r\n\x1a\n" + (b"\0\0\0\0tIME" + b"crc.") * 2_000_000,
                 box(b"ftyp", b"heic") + box(b"free", b"") * 2_000_000,
                 b"\xff\xd8\xff\xe1\0\2" + (b"\xff\xe2\xff\xff" + b"\0" * 65_533) * 300):
        file = Counting(data)
        assert capture.read(file) == Capture()
        assert file.count < 5_000_000


def test_few_bytes_that_grow_to_many_are_given_up():
    for size, count in ((50_000_000, 1), (1_000_000, 3_000)):
        text = b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(b" " * size)
        chunk = struct.pack(">I", len(text)) + b"iTXt" + text + b"crc."
        tracemalloc.start()
        assert read(b"\x89PNG\r\n\x1a\n" + chunk * count) == Capture()
        assert tracemalloc.get_traced_memory()[1] < 40_000_000
        tracemalloc.stop()


def test_an_error_of_the_disk_is_not_taken_for_damage():
    class Broken(io.BytesIO):
        def read(self, size=-1, /):
            if self.tell() > 100:
                raise OSError(5, "Input/output error")
            return super().read(min(size, 100) if size >= 0 else 100)

    with pytest.raises(OSError, match="Input/output"):
        capture.read(Broken(b"\xff\xd8\xff\xe0\0\x60" + b"\0" * 94 + b"\xff\xe1\0\xff" * 99))


def test_exiftool_finds_the_same(tmp_path, exiftool):
    for form in ("JPEG", "PNG", "WEBP", "AVIF"):
        photo = tmp_path / f"photo.{form.lower()}"
        photo.write_bytes(picture(form, exif=exif()))
        said = json.loads(subprocess.run(
            [exiftool, "-j", "-n", "-DateTimeOriginal", "-GPSLatitude", "-GPSLongitude", photo],
            capture_output=True, check=True).stdout)[0]
        date, time = said["DateTimeOriginal"].split()
        assert read(photo.read_bytes()) == Capture(
            f"{date.replace(':', '-')}T{time}", pytest.approx(said["GPSLatitude"]),
            pytest.approx(said["GPSLongitude"]))
