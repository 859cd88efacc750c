"""The sidecars of photos on disk: which files they are, and keywords for them."""

import os
from collections.abc import Iterator, Sequence
from functools import partial

from zsl_cli.classifier.predictions import Keyword
from zsl_cli.embedding.pictures import raw
from zsl_cli.embedding.walk import SUFFIXES
from zsl_cli.errors import ImageError
from zsl_cli.photos.entry import Provenance
from zsl_cli.photos.sidecars import embedded_keywords
from zsl_cli.photos.sidecars.changes import Change, apply, carried_out, named, read
from zsl_cli.photos.sidecars.elements import error
from zsl_cli.photos.sidecars.keyword_lists import Lists
from zsl_cli.photos.sidecars.layout import LAYOUT, Layout
from zsl_cli.photos.sidecars.merging import belongs_to, merge, users_keywords
from zsl_cli.photos.sidecars.naming import Naming

RAW_SUFFIXES = raw.SUFFIXES | {
    ".arq", ".bmq", ".cap", ".cine", ".crm", ".cs1", ".cxi", ".dc2", ".dcs", ".drf", ".eip", ".ia",
    ".kc2", ".obm", ".ori", ".ptx", ".pxn", ".qtk", ".r3d", ".rdc", ".rw1", ".sti"}
"""Raw photos and films of cameras, rare ones that are not read as well: their sidecars must not be
taken for a JPEG's."""

_WITH_SIDECARS = SUFFIXES | RAW_SUFFIXES | {
    ".3gp", ".ai", ".avi", ".jxl", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".mts", ".pdf",
    ".psb", ".psd", ".svg", ".webm", ".wmv", ".xcf"}


class Sidecars:
    """The sidecars of one run; it lists a folder once, so images added since are not seen."""

    def __init__(self, naming: Naming = Naming.AUTO, layout: Layout = LAYOUT) -> None:
        self._naming, self._layout = naming, layout
        self._folder: str | None = None
        self._stems: dict[str, set[str]] = {}

    def paths(self, photo: str) -> list[str]:
        """The sidecars of a photo, one or (AUTO, where both exist) two.

        ``photo.xmp`` is left to a raw or other image of the same stem, and where it says that it
        belongs to one: AUTO passes it over.
        Raises ImageError of kind ``sidecar`` where STEM was asked for all the same.
        """
        full, stem = f"{photo}.xmp", f"{os.path.splitext(photo)[0]}.xmp"
        if self._naming is Naming.FULL or full == stem:
            return [full]
        if self._naming is Naming.STEM:
            if others := self._sharing(photo):
                raise error(f"the sidecar {os.path.basename(stem)} would be that of {others[0]}, "
                            f"too: use the full naming, {os.path.basename(full)}")
            if owner := _other_owner(stem, photo):
                raise error(f"the sidecar {os.path.basename(stem)} says that it is that of a "
                            f"{owner} file: use the full naming, {os.path.basename(full)}")
            return [stem]
        existing = [path for path in (full, stem) if os.path.lexists(path)]
        if stem in existing and self._is_anothers(stem, photo):
            existing.remove(stem)
        return existing or [full]

    def plan(self, photo: str, keywords: Sequence[Keyword], provenance: Provenance) -> list[Change]:
        """The changes that give a photo's sidecars these keywords; nothing is written. There is
        none for a sidecar that already says the same.

        Raises ImageError of kind ``sidecar`` where one cannot be read or merged into.
        """
        plans = (self._plan(path, photo, keywords, provenance) for path in self.paths(photo))
        return [change for change in plans if change is not None]

    def write(self, photo: str, keywords: Sequence[Keyword],
              provenance: Provenance) -> Iterator[Change]:
        """Plan and apply; the changes that were made. What another program changes at the same
        time is read anew, so that nothing of it is lost.

        Raises ImageError as ``plan`` and ``apply`` do.
        """
        for path in self.paths(photo):
            if change := carried_out(partial(self._plan, path, photo, keywords, provenance), apply):
                yield change

    def _plan(self, path: str, photo: str, keywords: Sequence[Keyword],
              provenance: Provenance) -> Change | None:
        problems = []

        def elsewhere() -> Lists:
            found = embedded_keywords.read(photo)
            lists = found.lists
            problems.append(found.problem)
            for other in {f"{photo}.xmp", f"{os.path.splitext(photo)[0]}.xmp"} - {path}:
                try:  # the sidecar of the other name, which a program may read in place of this one
                    data = None if self._is_anothers(other, photo) else read(other)
                    words = users_keywords(data) if data else {}
                    lists = lists | {key: texts for key, texts in words.items() if texts}
                except (ImageError, OSError) as reason:
                    problems.append(str(named(other, "read", reason)))
            return lists

        try:
            before = read(path)
            after = merge(before, keywords, provenance, elsewhere, self._layout)
        except (ImageError, OSError) as reason:
            raise named(path, "read", reason) from reason
        if after is None or after == before:
            return None
        said = "; ".join(filter(None, problems))
        return Change(path, before, after, said and (
            f"not all keywords embedded in the photo can be read ({said}); "
            "programs that take those of the sidecar will not show them"))

    def _is_anothers(self, sidecar: str, photo: str) -> bool:
        """Whether a sidecar of the stem's name, such as ``photo.xmp``, is not this photo's."""
        return sidecar != f"{photo}.xmp" and bool(
            self._sharing(photo) or _other_owner(sidecar, photo))

    def _sharing(self, photo: str) -> list[str]:
        """The other images in the folder whose stem is the photo's."""
        folder, name = os.path.split(photo)
        if folder != self._folder:
            stems: dict[str, set[str]] = {}
            try:
                for other in os.listdir(folder or "."):
                    stem, suffix = os.path.splitext(os.path.normcase(other))
                    if suffix.lower() in _WITH_SIDECARS:
                        stems.setdefault(stem, set()).add(other)
            except OSError as reason:
                raise error("cannot list its folder, to see which images share a sidecar: "
                            f"{reason.strerror}; use the full naming") from reason
            self._folder, self._stems = folder, stems
        same = self._stems.get(os.path.splitext(os.path.normcase(name))[0], set())
        return sorted(same - {name})


def _other_owner(sidecar: str, photo: str) -> str:
    """The extension of the file that a sidecar says it belongs to, where it isn't the photo's."""
    try:
        data = read(sidecar)
        owner = "" if data is None else belongs_to(data)
    except (ImageError, OSError):
        return ""  # which is said when it is to be changed
    return owner if owner.lower() != os.path.splitext(photo)[1][1:].lower() else ""
