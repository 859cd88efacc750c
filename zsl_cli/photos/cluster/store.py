"""Store: files below an address, on this machine or in an object store.

A store is a small value that goes to other processes and machines; each opens it for itself, with
the credentials that it has there. All that goes wrong is a StoreError.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from zsl_cli.errors import ZslError

KINDS = ("missing", "permission", "limit", "full", "unreachable", "file")


class StoreError(ZslError):
    """What a store can't do; ``kind`` is one of KINDS: ``missing`` (the file, or the bucket),
    ``permission`` (credentials, too), ``limit`` (more bytes than may be read), ``full`` (no
    space), ``unreachable`` (the network or the service) or ``file`` (anything else)."""

    def __init__(self, message: str, kind: str = "file") -> None:
        super().__init__(message)
        self.kind = kind

    def __reduce__(self) -> "tuple[type[StoreError], tuple[str, str]]":
        return type(self), (str(self), self.kind)


@dataclass(frozen=True)
class Stored:
    """A file of a store: its name below the address, with ``/`` between folders; its size in bytes,
    and its mtime in nanoseconds since 1970, None where the store doesn't say."""

    name: str
    size: int
    mtime: int | None


class Store(Protocol):
    """Files below an address. Names are relative to that; an empty one is the address itself,
    which may be a single file. Every method raises StoreError."""

    @property
    def address(self) -> str:
        """As it was given, without the ``/`` at its end."""

    @property
    def is_local(self) -> bool:
        """Whether it is a folder of this machine, or one that is mounted there."""

    def full(self, name: str) -> str:
        """The address of a file."""

    def files(self, below: str = "") -> Iterator[Stored]:
        """All files below a folder, sorted by their names; nothing where there is no such folder.
        Names begin at the address of the store."""

    def look(self, name: str = "") -> Stored | None:
        """What is known of a file; None where there is none."""

    def read(self, name: str = "", *, most: int) -> bytes:
        """All of a file, unless it has more than ``most`` bytes."""

    def open(self, name: str = "") -> AbstractContextManager[BinaryIO]:
        """A file to read from here and there."""

    def write(self, name: str, data: bytes) -> None:
        """Have a file be so, in one step: whoever reads it meanwhile, or after this process was
        killed, finds all of it or what was there before. Folders above it are made."""

    def delete(self, name: str) -> None:
        """Remove a file, which need not be there."""

    def check(self) -> None:
        """Raise StoreError where it can't be reached or looked into: a bucket that is not there,
        credentials that are none. A local folder need not be there yet."""
