"""What libtiff would print to standard error, without a file's name → the error of its file."""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

_HANDLER = ctypes.CFUNCTYPE(None, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p)
_LONGEST = 300  # bytes

_heard = threading.local()


@contextmanager
def caught() -> Iterator[list[str]]:
    """Within it the remarks of libtiff, as far as it decodes on this thread, come into the list."""
    _listen()
    _heard.lines = []
    try:
        yield _heard.lines
    finally:
        del _heard.lines


@cache
def _listen() -> Any:
    """Have libtiff call ``_hear``. Where Pillow has it built in, and no way to it, it prints."""
    from PIL import _imaging

    handler = _HANDLER(_hear)
    try:
        library = ctypes.CDLL(_imaging.__file__)  # finds what the module is linked with, too
        library.TIFFSetErrorHandler.restype = ctypes.c_void_p
        library.TIFFSetErrorHandler(handler)
    except (OSError, AttributeError):
        return None
    return handler  # which has to live as long as libtiff may call it


def _hear(module: bytes | None, format_: bytes | None, arguments: int | None) -> None:
    """A TIFFErrorHandler: the format and the arguments (a va_list) are those of vprintf."""
    lines = getattr(_heard, "lines", None)
    if lines is None or len(lines) > 100:
        return
    text = ctypes.create_string_buffer(_LONGEST)
    ctypes.pythonapi.PyOS_vsnprintf(text, ctypes.c_size_t(_LONGEST), format_,
                                    ctypes.c_void_p(arguments))
    said = text.value.decode("utf-8", "replace").strip().rstrip(".")
    lines.append(said)
