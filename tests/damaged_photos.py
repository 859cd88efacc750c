"""What reads a photo library: pictures, what stands in and beside them, catalogues, data sets."""

import contextlib
import functools
import io
import json
import struct
from pathlib import Path

import numpy as np
import raw_photos
import royal
import text_model
from damaged import Reader, each, the_file
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from sidecar_samples import MADE, REAL, SOFA, TABBY, subjects, wrapped

from zsl_cli.embedding import images, path_lists
from zsl_cli.errors import ImageError, ZslError
from zsl_cli.evaluation import captions, datasets
from zsl_cli.evaluation.captions.caption_words import CaptionWords
from zsl_cli.photos.catalogue import verification
from zsl_cli.photos.labelling import label
from zsl_cli.photos.request import LabelRequest
from zsl_cli.photos.sidecars import embedded_keywords, undoing
from zsl_cli.photos.sidecars.files import Sidecars
from zsl_cli.photos.sidecars.merging import without_marks
from zsl_cli.photos.teaching import corrections, exchanging
from zsl_cli.support.preprocessing import Preprocessing
from zsl_cli.vocabulary.names.label import Label
from zsl_cli.vocabulary.taught.additions import Definitions
from zsl_cli.vocabulary.taught.lessons import Lesson, to_lines
from zsl_cli.vocabulary.vocabulary import Vocabulary

XMP = wrapped(subjects(["Grandma", "Ulm"]))
_MOST_PIXELS = 40_000_000


@functools.cache
def photo() -> Image.Image:
    """A photograph, small."""
    from skimage.data import chelsea

    return Image.fromarray(chelsea()).resize((96, 64))


def pictures(folder: Path) -> None:
    """A picture of each format, and of each kind within a format that is read in another way."""
    rgb = photo()
    kinds = {"L": rgb.convert("L"), "P": rgb.convert("P"), "1": rgb.convert("1"),
             "RGBA": rgb.convert("RGBA"), "CMYK": rgb.convert("CMYK"), "LAB": rgb.convert("LAB"),
             "I16": Image.fromarray(np.asarray(rgb.convert("L"), np.uint16) * 200),
             "F": Image.fromarray(np.asarray(rgb.convert("L"), np.float32) / 255)}
    profile, exif = _profile(), Image.Exif()
    exif[274], exif[271] = 6, "somebody"
    turned = [rgb.rotate(90 * turn) for turn in range(4)]
    for name, image, options in [
            ("plain.jpg", rgb, {"exif": exif, "icc_profile": profile}),
            ("progressive.jpg", rgb, {"progressive": True, "comment": b"x" * 99}),
            ("cmyk.jpg", kinds["CMYK"], {}), ("grey.jpg", kinds["L"], {}),
            ("many.mpo", rgb, {"save_all": True, "append_images": turned[:1]}),
            ("plain.png", rgb, {"exif": exif, "icc_profile": profile}),
            ("palette.png", kinds["P"], {"transparency": 3}), ("bits.png", kinds["1"], {}),
            ("deep.png", kinds["I16"], {}), ("clear.png", kinds["RGBA"], {}),
            ("moving.png", rgb, {"save_all": True, "append_images": turned}),
            ("moving.gif", rgb, {"save_all": True, "append_images": turned}),
            ("lossy.webp", rgb, {"exif": exif, "icc_profile": profile}),
            ("lossless.webp", kinds["RGBA"], {"lossless": True}),
            ("moving.webp", rgb, {"save_all": True, "append_images": turned}),
            *((f"{pressed}.tif", rgb, {"compression": pressed, "icc_profile": profile})
              for pressed in ("raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")),
            ("big.tif", rgb, {"big_tiff": True}),
            ("fax.tif", kinds["1"], {"compression": "group4"}),
            *((f"{kind}.tif", kinds[kind], {}) for kind in ("I16", "F", "LAB", "CMYK", "P")),
            ("plain.bmp", rgb, {}), ("palette.bmp", kinds["P"], {}),
            ("plain.avif", rgb, {}), ("moving.avif", rgb, {"save_all": True,
                                                           "append_images": turned}),
            ("plain.jp2", rgb, {}), ("plain.ico", rgb, {"sizes": [(16, 16), (48, 48)]}),
            ("bitmap.ico", rgb, {"sizes": [(32, 32)], "bitmap_format": "bmp"}),
            ("plain.ppm", rgb, {}), ("deep.pgm", kinds["I16"], {}), ("bits.pbm", kinds["1"], {}),
            ("plain.tga", rgb, {"rle": True}), ("plain.heic", rgb, {}), ("plain.jxl", rgb, {})]:
        with contextlib.suppress(ImportError, KeyError, ValueError, OSError):  # no such extra
            save(image, folder / name, **options)
    jpeg = io.BytesIO()
    rgb.save(jpeg, "JPEG")
    (folder / "raw.dng").write_bytes(raw_photos.dng(jpeg.getvalue(), rgb.size))
    (folder / "text.pnm").write_bytes(b"P3\n4 4\n255\n" + b"1 2 3 " * 16)


def save(image: Image.Image, path: Path, **options) -> None:
    """A picture by its name's format; a file is there only where that went well."""
    if path.suffix == ".heic":
        import pillow_heif

        pillow_heif.register_heif_opener()
    if path.suffix == ".jxl":
        import pillow_jxl  # noqa: F401
    file = io.BytesIO()
    Image.init()
    image.save(file, {".pgm": "PPM", ".pbm": "PPM"}.get(path.suffix) or
               Image.registered_extensions()[path.suffix], **options)
    path.write_bytes(file.getvalue())


def _profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def read_picture(folder: Path) -> object:
    """In two ways of making it square."""
    path = the_file(folder)
    images.load(path, Preprocessing(size=32, fit="pad"), max_pixels=_MOST_PIXELS, reduced=False)
    return images.load(path, Preprocessing(size=32), max_pixels=_MOST_PIXELS)


def with_keywords(folder: Path) -> None:
    """Photos that hold keywords, in XMP, IPTC-IIM and Exif."""
    rgb = photo().resize((16, 12))
    keywords = b"".join(struct.pack(">BBBH", 0x1C, record, number, len(value)) + value
                        for record, number, value in [(1, 90, b"\x1b%G"), (2, 25, b"Oma"),
                                                      (2, 25, b"caf\xc3\xa9")])
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(keywords)) + keywords
    text, exif = PngInfo(), Image.Exif()
    text.add_itxt("XML:com.adobe.xmp", XMP.decode(), zip=True)
    text.add_text("Raw profile type iptc", f"\niptc\n{len(keywords)}\n{keywords.hex()}\n", zip=True)
    exif[0x9C9E] = "Ulm;Oma\0".encode("utf-16-le")
    for name, options in [("a.jpg", {"xmp": XMP, "exif": exif}), ("a.png", {"pnginfo": text}),
                          ("a.webp", {"xmp": XMP, "exif": exif}), ("a.avif", {"xmp": XMP}),
                          ("a.tif", {"tiffinfo": {700: XMP, 33723: keywords, 34377: resource}})]:
        save(rgb, folder / name, **options)
    data = (folder / "a.jpg").read_bytes()
    segment = b"Photoshop 3.0\0" + resource
    (folder / "iptc.jpg").write_bytes(
        data[:2] + b"\xff\xed" + struct.pack(">H", len(segment) + 2) + segment + data[2:])
    (folder / "other.gif").write_bytes(b"GIF89a" + bytes(90) + XMP + bytes(20))


def sidecars(folder: Path) -> None:
    """Sidecars of several programs and of zsl itself."""
    for name, packet in {**REAL, "plain": XMP}.items():
        for kind, data in {"": packet, "-again": _labelled(packet),
                           "-wide": packet.decode("utf-8-sig").encode("utf-16")}.items():
            (folder / (name + kind)).mkdir()
            (folder / (name + kind) / "a.jpg.xmp").write_bytes(data)
            (folder / (name + kind) / "a.xmp").write_bytes(packet)
            save(photo().resize((8, 8)), folder / (name + kind) / "a.jpg")


def _labelled(packet: bytes) -> bytes:
    from zsl_cli.photos.sidecars.merging import merge

    merged = merge(packet, [TABBY, SOFA], MADE)
    assert merged is not None
    return merged


def read_sidecars(folder: Path) -> object:
    """What would be written, and what of that once it is: a sidecar that has been written can be
    read again, and taken back."""
    path = str(folder / "a.jpg")
    changes = []
    for keywords in ([TABBY], [SOFA, TABBY], []):
        changes += Sidecars().plan(path, keywords, MADE)
    for change in changes:
        change.diff()
        assert change.after is not None
        without_marks(_labelled(change.after))
    return [*changes, undoing.plan(f"{path}.xmp"), undoing.plan(str(folder / "a.xmp"))]


def library(folder: Path) -> None:
    """Photos that are labelled, and the catalogue of that."""
    for output in ("l.csv", "l.jsonl"):
        work = folder / output.partition(".")[2]
        photos = work / "photos"
        photos.mkdir(parents=True)
        for number, colour in enumerate(["red", "blue", "green"] * 4):
            text_model.photo(photos / f"{number}.png", colour)
        (photos / "broken.png").write_bytes(b"\x89PNG")
        label(_request(work, output=str(work / output)))


def _request(folder: Path, **asked) -> LabelRequest:
    return LabelRequest(str(folder / "photos"), model=str(_model()), jobs=1, device="cpu",
                        catalogue=str(folder / "kept"), **asked)


@functools.cache
def _model() -> Path:
    import atexit
    import tempfile

    kept = tempfile.TemporaryDirectory()
    atexit.register(kept.cleanup)
    folder = text_model.make(Path(kept.name) / "paint")
    text_model.make_vocabulary(folder / "vocab")
    return folder


def read_library(folder: Path) -> object:
    """Label it again: without writing, and then in earnest, which after a repair goes well."""
    [output] = [path for path in folder.iterdir() if path.name in ("l.csv", "l.jsonl")]
    with contextlib.suppress(ZslError):
        label(_request(folder, output=str(output), dry_run=True))
        label(_request(folder, output=str(output), report=str(folder / "out.html")))
    with contextlib.suppress(ZslError):
        verification.verify(folder / "kept")
    verification.repair(folder / "kept")
    return label(_request(folder, output=str(output), force=True))


def data_sets(folder: Path) -> None:
    """CSV files of labelled images, and lists of photos."""
    rows = [f"{number}.png,{name}" for number, name in enumerate(
        ["king", "queen", "w3", "x-ray fish", "great white shark", "nothing"])]
    (folder / "a.csv").write_text("\n".join(["path,label", *rows]))
    (folder / "b.csv").write_text("\r\n".join(["\ufefflabel,path,more", '"king",a.jpg,"a ""b"""']))


@functools.cache
def vocabulary() -> Vocabulary:
    """The royal one."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        loaded = Vocabulary.load(royal.make(Path(folder) / "royal"))
        loaded.vectors = np.array(loaded.vectors)
        _ = loaded.labels
    return loaded


def read_data_set(folder: Path) -> object:
    """Its images, and the names of its classes."""
    datasets.class_names(the_file(folder))
    return datasets.read(the_file(folder), vocabulary())


def captioned(folder: Path) -> None:
    """Files of images and their captions, in all forms."""
    rows = [f'{number}.png,"a {name}, and more",val' for number, name in enumerate(
        ["king", "queens", "x-ray fish", "great white shark", "men"])]
    (folder / "a.csv").write_text("\n".join(["image,caption,split", *rows]))
    (folder / "b.csv").write_text("\r\n".join(["\ufeffcaption,more,image", '"a ""king""",b,a.jpg']))
    (folder / "tokens").write_text("a.jpg#0\ta king\na.jpg#1\ttwo queens\nb.jpg#0\tmen\n")
    (folder / "coco.json").write_text(json.dumps({
        "images": [{"id": 1, "file_name": "a.jpg"}],
        "annotations": [{"image_id": 1, "caption": "a king"}]}))
    (folder / "karpathy.json").write_text(json.dumps({"images": [
        {"filename": "a.jpg", "filepath": "b", "split": "val", "sentences": [{"raw": "men"}]}]}))


def read_captioned(folder: Path) -> object:
    """Its images, and which labels their captions say."""
    found = captions.read(the_file(folder))
    return found, CaptionWords(vocabulary()).of(found.captions)


def path_list(folder: Path) -> None:
    """Lists of photos as programs on all systems write them."""
    names = ["a.jpg", "/photos/b c.png", "é.jpg", "*?.gif"]
    (folder / "lines").write_text("\n".join(names))
    (folder / "nul").write_text("\0".join(names))
    (folder / "utf16").write_text("\r\n".join(names), "utf-16")
    (folder / "utf32").write_text("\n".join(names), "utf-32")


def read_path_list(folder: Path) -> object:
    """All of its paths, and whether they are there."""
    with the_file(folder).open("rb") as file:
        found = list(path_lists.listed(file))
    for path in found[:9]:
        with contextlib.suppress(ImageError):
            images.open_file(Path(folder, "nowhere", path)).close()
    return found


def corrections_(folder: Path) -> None:
    """Corrections as tables and lines, and lessons as they are handed on."""
    (folder / "a.csv").write_text("photo,label,shows,under\na.jpg,cat,yes,\nb.jpg,Rex,no,dog\n")
    (folder / "b.csv").write_text('Path;Label;Sign\r\n"a b.jpg";cat;-\r\n', "utf-8-sig")
    (folder / "a.jsonl").write_text('{"content": "00-1", "label": "cat", "shows": false}\n')
    lesson = Lesson("n1", True, "00-1", "/a.jpg", "s", "2026-11-30T12:00:00Z",
                    np.ones(4, np.float16))
    (folder / "lessons.jsonl").write_text(
        Definitions((Label("my-rex", "Rex"),), {"n1": ("Mieze",)}).to_lines()
        + to_lines([lesson, lesson]))


def read_corrections(folder: Path) -> object:
    """Whichever it is."""
    path = the_file(folder)
    if path.name.startswith("lessons"):
        return exchanging.read_exported(path)
    return corrections.read(path)


READERS = (
    Reader("images", each(pictures), read_picture,
           commands=(("classify", "{name}", "--device", "cpu", "--jsonl"),)),
    Reader("metadata", each(with_keywords),
           lambda folder: embedded_keywords.read(the_file(folder)),
           commands=(("label", ".", "--xmp", "--dry-run", "--device", "cpu", "-j", "1"),)),
    Reader("sidecars", sidecars, read_sidecars, whole=("a.jpg",),
           commands=(("label", ".", "--xmp", "--dry-run", "--device", "cpu", "-j", "1"),
                     ("label", ".", "--xmp", "--undo", "--dry-run"))),
    Reader("catalogues", library, read_library,
           whole=tuple(f"photos/{number}.png" for number in range(12)),
           outputs=("l.*", ".l.*", "out*", ".out*", "kept/*")),
    Reader("data sets", each(data_sets), read_data_set,
           commands=(("eval", "{name}", "--device", "cpu", "--no-cache", "--json"),)),
    Reader("captions", each(captioned), read_captioned,
           commands=(("eval", "--words", "{name}", "--device", "cpu", "--no-cache", "--json"),
                     ("eval", "--captions", "{name}", "--device", "cpu", "--no-cache", "--json"))),
    Reader("path lists", each(path_list), read_path_list),
    Reader("corrections", each(corrections_), read_corrections))
