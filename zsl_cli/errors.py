"""Everything that zsl raises on purpose; each message says what is wrong and what to do.

Where that is to be done with a parameter, its name stands between single backquotes, with a value
behind an equals sign if need be: `max_pixels`, `oov=skip`. A caller from Python reads it as it is;
the command line puts its own option there (``cli.terminal.parameters``).
"""

import re

# It stands free, so that nothing is taken for one that a message quotes: a class 'my`force`'.
PARAMETER = re.compile(r"(?<![^\s(])`([a-z][a-z_]*)(?:=([^`]*))?`(?![^\s,.;:)])")


class ZslError(Exception):
    """A wrong set-up or a wrong request; the command line prints it and exits with status 2."""


class RequestError(ZslError):
    """Parameters that make no sense, or none together; the command line speaks of wrong use."""


class FolderError(ZslError):
    """A model or vocabulary folder that is missing, malformed, or not what its manifest says."""


class MismatchError(ZslError):
    """A model and a vocabulary whose spaces differ."""


class DeviceError(ZslError):
    """A device that was asked for and cannot be used."""


class OutOfMemoryError(DeviceError):
    """A graphics card whose memory does not suffice for what goes through a model at once."""

    def __init__(self, device: str) -> None:
        super().__init__(f"{device}: its memory does not suffice, or other programs have it; "
                         "close these, or take another `device`")


class UnknownLabelError(ZslError):
    """A label that the vocabulary does not know."""


class MissingExtraError(ZslError):
    """An optional dependency that is not installed."""

    def __init__(self, package: str, extra: str, purpose: str) -> None:
        super().__init__(f"{purpose} needs {package}: pip install 'zsl-cli[{extra}]'")


class ImageError(ZslError):
    """One image that cannot be used; ``kind`` is ``missing``, ``empty`` (a folder or a pattern),
    ``permission``, ``file``, ``limit``, ``image``, ``decoder`` (one that is not installed, or
    does not read what the file holds), ``changed`` (while it was being read) or ``sidecar`` (its
    sidecar can't be written)."""

    KINDS = ("missing", "empty", "permission", "file", "limit", "image", "decoder", "changed",
             "sidecar")

    def __init__(self, message: str, kind: str = "image") -> None:
        super().__init__(message)
        self.kind = kind

    @property
    def plain(self) -> str:
        """The message for files and records, whose readers may be anybody: the name of a parameter
        stands there without its quotes."""
        return PARAMETER.sub(lambda match: match[0].strip("`"), str(self))


class NotFiniteError(ImageError):
    """An image of which a model makes no number, or nothing but zeros."""

    def __init__(self) -> None:
        super().__init__("what the model makes of this image is not finite or has no direction, so "
                         "that nothing is near to it")
