"""Files, folders and patterns → image paths, in a stable order."""

import glob
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import BinaryIO

from zsl_cli.errors import ImageError, ZslError

SUFFIXES = frozenset({
    ".apng", ".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".ico", ".jfif", ".jp2", ".jpe",
    ".jpeg", ".jpg", ".mpo", ".pbm", ".pgm", ".png", ".ppm", ".tga", ".tif", ".tiff", ".webp"})
"""What counts as an image in a folder; a file that is named outright is tried whatever it is
called."""

TOOL_FOLDERS = frozenset({"@eadir", "node_modules", "__macosx"})
"""Folders that programs fill with copies and packages, in lower case; left out like hidden ones
(``.git`` is one)."""

Walked = tuple[str, ImageError | None]
"""A path, or a place that can't be read and why."""

_CHUNK = 1 << 16


@dataclass(frozen=True)
class Walk:
    """Which images of a folder count.

    include: only images that match one of these patterns, if there are any.
    exclude: no images and no folders that match one of these.
    hidden: hidden files and folders and TOOL_FOLDERS too.
    follow_links: symbolic links too; a folder that is reached twice is entered once.

    A pattern without a slash is for the name alone, at any depth; one with a slash is for the
    path below the folder that was named. ``*``, ``?`` and ``[…]`` stay within a name, ``**`` is any
    number of folders; capitals do not count.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hidden: bool = False
    follow_links: bool = False
    _entered: set[tuple[int, int]] = field(default_factory=set, repr=False, compare=False)

    def expand(self, arguments: Iterable[str], *, patterns: bool = True) -> Iterator[Walked]:
        """The paths that a command line's arguments stand for, as (path, error or None).

        A folder stands for the images in it and in the folders below, a pattern (``*``, ``?``,
        ``[…]``, ``**``) that the shell left alone for the files that match, if ``patterns``.
        """
        chosen = " that the patterns leave" if self.include or self.exclude else ""
        for argument in arguments:
            if os.path.isdir(argument):
                if self.follow_links and self._is_entered(argument):
                    continue
                yield from _nonempty(argument, self.images_in(argument),
                                     f"no images in this folder{chosen}")
            elif patterns and not os.path.lexists(argument) and glob.has_magic(argument):
                matches = sorted(glob.glob(argument, recursive=True))
                yield from _nonempty(
                    argument, ((path, None) for path in matches if not os.path.isdir(path)),
                    "no file matches this pattern")
            elif argument != "-" and not os.path.lexists(argument):
                yield argument, ImageError("no such file", "missing")
            else:
                yield argument, None

    def images_in(self, folder: str) -> Iterator[Walked]:
        """The images in a folder, sorted, then those of the folders in it; a folder that can't
        be read comes with its error."""
        folder = os.path.normpath(folder)
        open_folders = [("", folder)]
        while open_folders:
            below, path = open_folders.pop()
            try:
                if self.follow_links and not self._enter(path):
                    continue
                with os.scandir(path) as scanned:
                    entries = sorted(scanned, key=lambda entry: entry.name)
            except OSError as error:
                yield path, _folder_error(error)
                continue
            inner = []
            for entry in entries:
                name = f"{below}/{entry.name}" if below else entry.name
                if self._leaves_out(entry, name):
                    continue
                if _is_dir(entry, self.follow_links):
                    inner.append((name, os.path.join(path, entry.name)))
                elif (os.path.splitext(entry.name)[1].lower() in SUFFIXES
                      and (self._included is None or self._included.fullmatch(name))):
                    yield os.path.join(path, entry.name), None
            open_folders += reversed(inner)

    def _leaves_out(self, entry: os.DirEntry[str], name: str) -> bool:
        if not self.hidden and (entry.name.startswith(".") or (
                entry.name.lower() in TOOL_FOLDERS and _is_dir(entry, True))):
            return True
        if not self.follow_links and entry.is_symlink():
            return True
        return self._excluded is not None and bool(self._excluded.fullmatch(name))

    def _is_entered(self, path: str) -> bool:
        """Whether a folder was entered before, whatever it was called then."""
        status = os.stat(path)
        return (status.st_dev, status.st_ino) in self._entered

    def _enter(self, path: str) -> bool:
        """Whether a folder is entered for the first time."""
        if self._is_entered(path):
            return False
        status = os.stat(path)
        self._entered.add((status.st_dev, status.st_ino))
        return True

    @cached_property
    def _included(self) -> re.Pattern[str] | None:
        return _any_of(self.include)

    @cached_property
    def _excluded(self) -> re.Pattern[str] | None:
        return _any_of(self.exclude)


def expand(arguments: Iterable[str]) -> Iterator[Walked]:
    """``Walk().expand``: the paths that a command line's arguments stand for."""
    return Walk().expand(arguments)


def images_in(folder: str) -> Iterator[str]:
    """The images in a folder and below it, sorted; what can't be read is passed over."""
    return (path for path, error in Walk().images_in(folder) if error is None)


def listed(file: BinaryIO) -> Iterator[str]:
    """The paths in a list: separated by NUL bytes if there is one at the start (``find
    -print0``), else by line ends. Read as it is used."""
    chunk = file.read(_CHUNK)
    separator = b"\0" if b"\0" in chunk else b"\n"
    if separator == b"\n":  # an editor's mark; between NUL bytes there are names alone
        chunk = chunk.removeprefix(b"\xef\xbb\xbf")
    rest = b""
    while chunk:
        *whole, rest = (rest + chunk).split(separator)
        yield from _names(whole, separator)
        chunk = file.read(_CHUNK)
    yield from _names([rest], separator)


def _names(lines: Iterable[bytes], separator: bytes) -> Iterator[str]:
    for line in lines:
        name = line.rstrip(b"\r") if separator == b"\n" else line
        if name:
            yield os.fsdecode(name)


def _nonempty(argument: str, paths: Iterable[Walked], message: str) -> Iterator[Walked]:
    empty = True
    for one in paths:
        empty = False
        yield one
    if empty:
        yield argument, ImageError(message, "empty")


def _folder_error(error: OSError) -> ImageError:
    if isinstance(error, PermissionError):
        return ImageError("no permission to read this folder", "permission")
    return ImageError(f"cannot read this folder: {error.strerror or error}", "missing")


def _is_dir(entry: os.DirEntry[str], follow_links: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow_links)
    except OSError:  # a link that leads nowhere, or in a circle
        return False


def _any_of(patterns: Iterable[str]) -> re.Pattern[str] | None:
    """What matches a relative path, with slashes, when one of the patterns does."""
    expressions = []
    for pattern in patterns:
        expressions.append(_translate(pattern))
        try:
            re.compile(expressions[-1])
        except re.error as error:
            raise ZslError(f"{pattern!r} is no pattern: {error}") from error
    return re.compile("|".join(expressions), re.IGNORECASE | re.DOTALL) if expressions else None


def _translate(pattern: str) -> str:
    """A pattern as a regular expression over a whole relative path."""
    pattern = pattern.replace(os.sep, "/").removeprefix("./").rstrip("/")
    anywhere = "" if "/" in pattern else "(?:.*/)?"
    parts = pattern.lstrip("/").split("/")
    expression = ""
    for at, part in enumerate(parts):
        last = at == len(parts) - 1
        if part == "**":
            expression += ".*" if last else "(?:.*/)?"
        else:
            expression += _translate_name(part) + ("" if last else "/")
    return f"(?:{anywhere}{expression})"


def _translate_name(pattern: str) -> str:
    """``*``, ``?`` and ``[…]`` within a name."""
    out, at = "", 0
    while at < len(pattern):
        character = pattern[at]
        end = pattern.find("]", at + 2) if character == "[" else -1
        if end > 0:
            inner = pattern[at + 1:end].replace("\\", "\\\\").replace("[", "\\[")
            inner = "^/" + inner[1:] if inner[0] in "!^" else inner
            out, at = f"{out}[{inner}]", end
        elif character == "*":
            out += "[^/]*"
        elif character == "?":
            out += "[^/]"
        else:
            out += re.escape(character)
        at += 1
    return out
