"""Compressed files, told by how they begin and not by their names."""

import bz2
import gzip
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import IO, cast

from zsl_cli.errors import ZslError

ZIP = "zip"
_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x5d\x00\x00": "lzma",
          b"PK\x03\x04": ZIP, b"\x28\xb5\x2f\xfd": "zstd", b"7z\xbc\xaf": "7z"}

DAMAGE = (OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
"""What reading may raise; see ``explained``."""


def kind(file: IO[bytes]) -> str | None:
    """What compresses a file that is open at its beginning, where it stays; None for nothing."""
    head = file.read(max(map(len, _MAGIC)))
    file.seek(0)
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def decompressed(file: IO[bytes], compression: str | None, path: Path) -> IO[bytes]:
    """What is in a file of such a ``kind``: the file itself, or what reads it. Raises ZslError."""
    if compression is None:
        return file
    if compression == "gzip":
        return cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    if compression == "bzip2":
        return bz2.BZ2File(file)
    if compression in ("xz", "lzma"):
        return lzma.LZMAFile(file)
    raise ZslError(f"{path}: compressed with {compression}, which zsl does not read here; unpack "
                   "it, or compress it with gzip, bzip2 or xz")


def explained(path: Path, error: Exception) -> str:
    """One of DAMAGE as a person is told of it."""
    if isinstance(error, OSError) and error.errno is not None:  # which data errors lack
        return f"{path}: {error.strerror}"
    return f"{path}: truncated or damaged: {error}"
