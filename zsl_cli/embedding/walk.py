"""Files, folders and patterns → image paths, in a stable order."""

import glob
import importlib.util
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property

from zsl_cli.embedding.patterns import any_of, composed, matching
from zsl_cli.embedding.pictures import raw
from zsl_cli.errors import ImageError

SUFFIXES = frozenset({
    ".apng", ".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".ico", ".jfif", ".jp2", ".jpe",
    ".jpeg", ".jpg", ".mpo", ".pbm", ".pgm", ".png", ".ppm", ".tga", ".tif", ".tiff", ".webp"})
"""What counts as an image in a folder; a file that is named outright is tried whatever it is
called."""

WITH_EXTRAS = dict.fromkeys(raw.SUFFIXES, ("raw", "rawpy")) | {".jxl": ("jxl", "pillow_jxl")}
"""What counts as an image where an extra is installed: the extra, and its module."""

LINK = "link"
"""What ``Walk.passed_over`` calls symbolic links; the others it calls by their extra."""

TOOL_FOLDERS = frozenset({
    "node_modules", "__macosx", "lost+found", "lost.dir", "system volume information",
    "network trash folder", "temporary items",
    "$recycle.bin", "recycler", "recycled", "#recycle", "@recycle", "@recycle bin",
    "@eadir", "@tmp", "@sharebin", "@thumb", "#snapshot", "@snapshot", "@snapshots",
    "@recently-snapshot", "~snapshot", "snapshot~"})
"""Folders that programs and systems fill with copies and packages, what was thrown away and what
was there earlier, in lower case; left out like hidden ones (``.git`` is one)."""

BUNDLES = (
    ".photoslibrary", ".photolibrary", ".aplibrary", ".migratedphotolibrary",
    ".migratedaplibrary", ".lrlibrary", ".lrdata", ".cocatalog", ".cosessiondb", ".imovielibrary",
    ".fcpbundle", ".theater", ".tvlibrary", ".musiclibrary", ".app")
"""How folders are called that are one document to their program, in which nobody else may change
anything, or hold smaller copies of photos; left out, too."""

Walked = tuple[str, ImageError | None]
"""A path, or a place that can't be read and why."""


@dataclass(frozen=True)
class Walk:
    """Which images of a folder count.

    include: only images that match one of these patterns, if there are any.
    exclude: no images and no folders that match one of these.
    hidden: hidden files and folders, TOOL_FOLDERS and BUNDLES too.
    follow_links: symbolic links too; a folder that is reached twice is entered once.
    passed_over: how many symbolic links (LINK) and images whose extra is not installed (its name)
        were met so far and not counted.

    A pattern without a slash is for the name alone, at any depth; one with a slash is for the
    path below the folder that was named. ``*``, ``?`` and ``[…]`` stay within a name, ``**`` is any
    number of folders; capitals do not count, nor how Unicode writes an accent.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    hidden: bool = False
    follow_links: bool = False
    passed_over: Counter[str] = field(default_factory=Counter, repr=False, compare=False)
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
                matches = matching(argument, lambda entry: not self._is_set_aside(entry))
                yield from _nonempty(argument, ((path, None) for path in matches),
                                     "no file matches this pattern")
            elif argument != "-" and not os.path.lexists(argument):
                yield argument, ImageError("no such file", "missing")
            else:
                yield argument, None

    def images_in(self, folder: str) -> Iterator[Walked]:
        """The images in a folder, sorted, then those of the folders in it; a folder that can't
        be read comes with its error."""
        for path, entries, error in self.folders_in(folder):
            if error is not None:
                yield path, error
            for entry, name in entries:
                if self._is_image(entry, name):
                    yield os.path.join(path, entry.name), None

    def folders_in(self, folder: str) -> Iterator[
            tuple[str, list[tuple[os.DirEntry[str], str]], ImageError | None]]:
        """The folders that are entered, this one first: their path, what is in each and neither a
        folder to be entered nor left out, sorted, with its name below ``folder`` as patterns are
        compared with it, and the error of one that can't be read."""
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
                yield path, [], _folder_error(error)
                continue
            inner, others = [], []
            for entry in entries:
                name = f"{below}/{entry.name}" if below else entry.name
                if self._leaves_out(entry, composed(name)):
                    continue
                if _is_dir(entry, self.follow_links):
                    inner.append((name, os.path.join(path, entry.name)))
                else:
                    others.append((entry, composed(name)))
            yield path, others, None
            open_folders += reversed(inner)

    def chooses(self, name: str) -> bool:
        """Whether the patterns leave a name below the folder."""
        name = composed(name)
        return (self._included is None or bool(self._included.fullmatch(name))) and (
            self._excluded is None or not self._excluded.fullmatch(name))

    def counts(self, name: str) -> bool:
        """Whether what is called so below a folder that is none of a file system, such as an
        archive, is an image that counts; notes what is passed over."""
        *folders, last = name.split("/")
        if not self.hidden and (any(part.startswith(".") for part in (*folders, last)) or any(
                part.lower() in TOOL_FOLDERS or part.lower().endswith(BUNDLES)
                for part in folders)):
            return False
        suffix = os.path.splitext(last)[1].lower()
        extra, module = WITH_EXTRAS.get(suffix, ("", ""))
        if not (suffix in SUFFIXES or extra) or not self.chooses(name) or (
                self._excluded is not None and any(
                    self._excluded.fullmatch(composed("/".join(folders[:depth])))
                    for depth in range(1, len(folders) + 1))):
            return False
        if extra and not _is_installed(module):
            self.passed_over[extra] += 1
            return False
        return True

    def _leaves_out(self, entry: os.DirEntry[str], name: str) -> bool:
        return (not self.hidden and entry.name.startswith(".")) or self._is_set_aside(entry) or (
            self._excluded is not None and bool(self._excluded.fullmatch(name)))

    def _is_set_aside(self, entry: os.DirEntry[str]) -> bool:
        name = entry.name.lower()
        return not self.hidden and (name in TOOL_FOLDERS or name.endswith(BUNDLES)) and (
            _is_dir(entry, True))

    def _is_image(self, entry: os.DirEntry[str], name: str) -> bool:
        """Whether what is no folder, or a link to one, counts; notes what is passed over."""
        suffix = os.path.splitext(entry.name)[1].lower()
        extra, module = WITH_EXTRAS.get(suffix, ("", ""))
        is_link = not self.follow_links and entry.is_symlink()
        if not (suffix in SUFFIXES or extra or (is_link and _is_dir(entry, True))):
            return False
        if self._included is not None and not self._included.fullmatch(name):
            return False
        if is_link:
            self.passed_over[LINK] += 1
        elif extra and not _is_installed(module):
            self.passed_over[extra] += 1
        else:
            return True
        return False

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
        return any_of(self.include)

    @cached_property
    def _excluded(self) -> re.Pattern[str] | None:
        return any_of(self.exclude)


def expand(arguments: Iterable[str]) -> Iterator[Walked]:
    """``Walk().expand``: the paths that a command line's arguments stand for."""
    return Walk().expand(arguments)


def images_in(folder: str) -> Iterator[str]:
    """The images in a folder and below it, sorted; what can't be read is passed over."""
    return (path for path, error in Walk().images_in(folder) if error is None)


def _nonempty(argument: str, paths: Iterable[Walked], message: str) -> Iterator[Walked]:
    empty = True
    for one in paths:
        empty = False
        yield one
    if empty:
        yield argument, ImageError(message, "empty")


@cache
def _is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def _folder_error(error: OSError) -> ImageError:
    if isinstance(error, PermissionError):
        return ImageError("no permission to read this folder", "permission")
    return ImageError(f"cannot read this folder: {error.strerror or error}", "missing")


def _is_dir(entry: os.DirEntry[str], follow_links: bool) -> bool:
    try:
        return entry.is_dir(follow_symlinks=follow_links)
    except OSError:  # a link that leads nowhere, or in a circle
        return False
