"""Raw photos: the preview that the camera has put into the file is what is looked at."""

import io
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO

from zsl_cli.embedding.pictures import jpeg
from zsl_cli.embedding.pictures.headers import check_size
from zsl_cli.errors import ImageError, MissingExtraError
from zsl_cli.support.extras import needed

if TYPE_CHECKING:
    from PIL import Image

SUFFIXES = frozenset({
    ".3fr", ".ari", ".arw", ".bay", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".fff",
    ".gpr", ".iiq", ".k25", ".kdc", ".mdc", ".mef", ".mos", ".mrw", ".nef", ".nrw", ".orf",
    ".pef", ".raf", ".raw", ".rw2", ".rwl", ".rwz", ".sr2", ".srf", ".srw", ".x3f"})

_STARTS = (b"IIU\0", b"IIRO", b"IIRS", b"MMOR", b"FUJIFILMCCD-RAW", b"FOVb", b"\0MRM")
_TIFF = (b"II*\0", b"MM\0*")

_EXIF, _ORIENTATION = "exif", 0x0112
_TURNS = {3: 3, 5: 8, 6: 6}  # LibRaw's flip → EXIF's orientation


def is_raw(start: bytes, suffix: str) -> bool:
    """Whether a file is a raw photo, by its first 16 bytes; many are TIFF files by these, and
    only their name tells."""
    if start.startswith(_TIFF):
        return suffix in SUFFIXES or start[8:10] == b"CR"
    return start.startswith(_STARTS) or start[6:14] == b"HEAPCCDR" or start[4:12] == b"ftypcrx "


def preview(file: BinaryIO, max_pixels: int) -> "Image.Image":
    """The preview with its EXIF orientation, or where there is none the sensor's picture at half
    its size. Raises ImageError."""
    try:
        with needed("raw", "reading raw photos"):
            import rawpy
    except MissingExtraError as error:
        raise ImageError(str(error), "decoder") from error
    file.seek(0)
    try:
        return _preview(rawpy, file, max_pixels)
    except rawpy.LibRawError as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else str(error)
        raise ImageError(f"cannot decode it: {reason}") from error


def _preview(rawpy: ModuleType, file: BinaryIO, max_pixels: int) -> "Image.Image":
    from PIL import Image
    from PIL.JpegImagePlugin import jpeg_factory

    with rawpy.imread(file) as raw:
        try:
            thumbnail = raw.extract_thumb()
        except (rawpy.LibRawNoThumbnailError, rawpy.LibRawUnsupportedThumbnailError):
            check_size((raw.sizes.raw_width, raw.sizes.raw_height), max_pixels)
            return Image.fromarray(raw.postprocess(half_size=True, use_camera_wb=True))
        if thumbnail.format != rawpy.ThumbFormat.JPEG:
            image = Image.fromarray(thumbnail.data)
        else:
            image = jpeg_factory(io.BytesIO(thumbnail.data))
            if image.info.get("progressive"):
                jpeg.check_scans(io.BytesIO(thumbnail.data), image.size)
        turn = _TURNS.get(raw.sizes.flip)
    if turn and _ORIENTATION not in image.getexif():
        exif = Image.Exif()
        exif[_ORIENTATION] = turn
        image.info[_EXIF] = exif.tobytes()
        image._exif = None
    return image
