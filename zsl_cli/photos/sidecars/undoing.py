"""A sidecar as it was before zsl: found by zsl's marks in it, and from the copy that zsl kept."""

import os
from collections.abc import Iterator

from zsl_cli.embedding.walk import SUFFIXES, WITH_EXTRAS, Walk, Walked
from zsl_cli.errors import ImageError
from zsl_cli.photos.sidecars.changes import BACKUP, Change, copy_of, named, read
from zsl_cli.photos.sidecars.content import says_the_same
from zsl_cli.photos.sidecars.elements import error
from zsl_cli.photos.sidecars.files import Sidecars
from zsl_cli.photos.sidecars.merging import is_marked, without_marks

_SUFFIX = ".xmp"
_IMAGES = SUFFIXES | set(WITH_EXTRAS)


def plan(path: str) -> Change | None:
    """What makes a sidecar what it was before zsl; None where zsl has left nothing.

    A sidecar that says without zsl's parts what its copy says becomes the copy, byte for byte;
    in one that has changed since, what is not zsl's stays as it is. One that zsl alone made goes.

    Raises ImageError of kind ``sidecar`` for one that cannot be read, or about which nothing can
    be known.
    """
    try:
        before, copy = read(path), _copy(path)
        if before is None and copy is None:
            return None
        place = os.path.basename(copy_of(path))
        if before is None:
            raise error(f"it is gone, and {place} is what it was before zsl: rename that, or "
                        "remove it")
        after = without_marks(before) if is_marked(before) else before
        # A copy with marks is of a sidecar that zsl had made and somebody went on with.
        if copy is not None and not is_marked(copy) and (
                says_the_same(after, copy) or after is None):
            after = copy
        elif copy is not None and not is_marked(before):
            raise error("it has no mark of zsl's any more, so that zsl's keywords in it cannot be "
                        f"told from yours; {place} is what it was earlier: put that in its place, "
                        "or remove it")
    except (ImageError, OSError) as reason:
        raise named(path, "read", reason) from reason
    if after == before and copy is None:
        return None
    return Change(path, before, after, ends_copy=copy is not None)


def _copy(path: str) -> bytes | None:
    if os.path.islink(copy_of(path)):  # to whatever file, which would be written into the sidecar
        raise error(f"its copy, {os.path.basename(copy_of(path))}, is a link, as zsl makes none; "
                    "remove it and run zsl again")
    return read(copy_of(path))


def sidecars_in(folder: str, walk: Walk) -> Iterator[Walked]:
    """The sidecars in a folder and those below that a walk enters, of the images that it chooses,
    whether these are there or not; a folder that can't be read comes with its error."""
    for path, entries, problem in walk.folders_in(folder):
        if problem is not None:
            yield path, problem
        names = {entry.name for entry, _ in entries}
        stems: dict[str, list[str]] = {}
        for name in names:
            stem, suffix = os.path.splitext(name)
            if suffix.lower() in _IMAGES:
                stems.setdefault(stem, []).append(name)
        for entry, below in entries:
            name = entry.name.removesuffix(BACKUP)
            if not name.lower().endswith(_SUFFIX) or (name != entry.name and name in names):
                continue
            above = below[:below.rfind("/") + 1]
            if any(walk.chooses(above + photo) for photo in _photos(name[:-len(_SUFFIX)], stems)):
                yield os.path.join(path, name), None


def _photos(name: str, stems: dict[str, list[str]]) -> list[str]:
    """The images whose sidecar a file may be, by its name without .xmp: one of this name, those of
    this stem that are there, or else any."""
    if os.path.splitext(name)[1].lower() in _IMAGES:
        return [name]
    return stems.get(name) or [name + suffix for suffix in sorted(_IMAGES)]


def sidecars_of(path: str) -> list[str]:
    """The sidecars that a path stands for, which is a sidecar's own or that of a photo, there or
    not.

    Raises ImageError of kind ``sidecar`` where its folder cannot be listed.
    """
    if "\0" in path:
        return []
    sidecars = [path] if path.lower().endswith(_SUFFIX) else Sidecars().paths(path)
    return [sidecar for sidecar in sidecars
            if os.path.lexists(sidecar) or os.path.lexists(copy_of(sidecar))]
