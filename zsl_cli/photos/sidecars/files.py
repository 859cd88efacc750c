"""XMP sidecars on disk: which file it is, what would change in it, and the change made safely."""

import difflib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from zsl_cli.embedding.pictures import raw
from zsl_cli.embedding.walk import SUFFIXES
from zsl_cli.errors import ImageError
from zsl_cli.photos.entry import Provenance
from zsl_cli.photos.sidecars import embedded_keywords
from zsl_cli.photos.sidecars.elements import error
from zsl_cli.photos.sidecars.keyword_lists import Keyword, Lists
from zsl_cli.photos.sidecars.merging import belongs_to, is_ours, merge, users_keywords
from zsl_cli.photos.sidecars.naming import Naming
from zsl_cli.photos.sidecars.packet import MAX_BYTES, encoding_of
from zsl_cli.support.files import at_once, replacing

BACKUP = ".zsl-backup"
"""What is added to a sidecar's name for the copy that is kept of it."""

RAW_SUFFIXES = raw.SUFFIXES | {
    ".arq", ".bmq", ".cap", ".cine", ".crm", ".cs1", ".cxi", ".dc2", ".dcs", ".drf", ".eip", ".ia",
    ".kc2", ".obm", ".ori", ".ptx", ".pxn", ".qtk", ".r3d", ".rdc", ".rw1", ".sti"}
"""Raw photos and films of cameras, rare ones that are not read as well: their sidecars must not be
taken for a JPEG's."""

_MAX_LINES = 20_000  # the time to compare them grows with their square
_TRIES = 5  # of a sidecar that others change at the same time

_WITH_SIDECARS = SUFFIXES | RAW_SUFFIXES | {
    ".3gp", ".ai", ".avi", ".jxl", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpg", ".mts", ".pdf",
    ".psb", ".psd", ".svg", ".webm", ".wmv", ".xcf"}


@dataclass(frozen=True)
class Change:
    """What is to happen to one sidecar; ``before`` is None where there is none yet.

    warning: what is not as it should be, yet no reason to leave the sidecar as it was.
    """

    path: str
    before: bytes | None
    after: bytes
    warning: str = ""

    def diff(self) -> list[str]:
        """The change as a unified diff, line by line without line ends; of a sidecar so long that
        it would take minutes to compare, only that."""
        before = [] if self.before is None else _text(self.before).splitlines()
        after = _text(self.after).splitlines()
        names = (os.devnull if self.before is None else self.path, self.path)
        if len(before) > _MAX_LINES:
            return [f"--- {names[0]}", f"+++ {names[1]}",
                    f"@@ {len(before):,} lines, too many to compare @@"]
        return list(difflib.unified_diff(before, after, *names, lineterm=""))


class Sidecars:
    """The sidecars of one run; it lists a folder once, so images added since are not seen."""

    def __init__(self, naming: Naming = Naming.AUTO) -> None:
        self._naming = naming
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
            for attempt in range(_TRIES):
                change = self._plan(path, photo, keywords, provenance)
                if change is None:
                    break
                try:
                    apply(change)
                except ImageError as reason:
                    if isinstance(reason.__cause__, _ChangedError) and attempt < _TRIES - 1:
                        continue
                    raise
                yield change
                break

    def _plan(self, path: str, photo: str, keywords: Sequence[Keyword],
              provenance: Provenance) -> Change | None:
        problems = []

        def elsewhere() -> Lists:
            found = embedded_keywords.read(photo)
            lists = found.lists
            problems.append(found.problem)
            for other in {f"{photo}.xmp", f"{os.path.splitext(photo)[0]}.xmp"} - {path}:
                try:  # the sidecar of the other name, which a program may read in place of this one
                    data = None if self._is_anothers(other, photo) else _read(other)
                    words = users_keywords(data) if data else {}
                    lists = lists | {key: texts for key, texts in words.items() if texts}
                except (ImageError, OSError) as reason:
                    problems.append(str(_named(other, "read", reason)))
            return lists

        try:
            before = _read(path)
            after = merge(before, keywords, provenance, elsewhere)
        except (ImageError, OSError) as reason:
            raise _named(path, "read", reason) from reason
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


class _ChangedError(ImageError):
    """A sidecar is no longer what it was when a change of it was planned."""


def apply(change: Change) -> None:
    """Carry out a change: the sidecar appears whole or stays as it was.

    Before the first change of a sidecar in which there is anything that isn't zsl's, a copy is
    kept as ``NAME.xmp.zsl-backup``; it is never overwritten. A symbolic link is followed, if there
    is something at its end, and the file's permissions are kept.

    Raises ImageError of kind ``sidecar`` where the sidecar cannot be written, or is no longer
    what it was when the change was planned.
    """
    def check() -> None:
        if _read(change.path) != change.before:
            raise _ChangedError("another program has changed it meanwhile; run zsl again",
                                "sidecar")

    try:
        check()
        path = os.path.realpath(change.path)
        if change.before is not None:
            if not os.access(path, os.W_OK):
                raise error("it is read-only; allow writing to it, or move it away")
            if not os.path.lexists(path + BACKUP) and not is_ours(change.before):
                with replacing(path + BACKUP, like=path) as copy:
                    copy.write(change.before)
        # What zsl made can be made again; what holds somebody's work outlives a power cut.
        with replacing(path, durable=change.before is not None, check=check) as file:
            file.write(change.after)
    except (ImageError, OSError) as reason:
        raise _named(change.path, "write", reason) from reason


def _other_owner(sidecar: str, photo: str) -> str:
    """The extension of the file that a sidecar says it belongs to, where it isn't the photo's."""
    try:
        data = _read(sidecar)
        owner = "" if data is None else belongs_to(data)
    except (ImageError, OSError):
        return ""  # which is said when it is to be changed
    return owner if owner.lower() != os.path.splitext(photo)[1][1:].lower() else ""


def _read(path: str) -> bytes | None:
    """The sidecar; None where there is none. What is no regular file is never opened, since it
    could block for ever, and nothing is made at the end of a link."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        if os.path.islink(path):
            raise error("a symbolic link to nothing; remove it and run zsl again") from None
        return None
    _check_regular(status.st_mode)
    with open(path, "rb", buffering=0, opener=at_once) as file:
        _check_regular(os.fstat(file.fileno()).st_mode)  # something else may be there by now
        return file.read(MAX_BYTES + 1)


def _check_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise error("not a regular file; move it away and run zsl again")


def _named(path: str, verb: str, reason: Exception) -> ImageError:
    """The error with the sidecar's name, and what to do where the system gave the reason."""
    if isinstance(reason, OSError):
        said = f"cannot {verb} it: {reason.strerror or reason}; check the permissions and the disk"
    else:
        said = str(reason)
    return error(f"sidecar {os.path.basename(path)}: {said}")


def _text(data: bytes) -> str:
    """What can be read of a packet, whichever encoding it is in."""
    try:
        encoding = encoding_of(data)
    except ImageError:
        encoding = "utf-8"
    return data.decode(encoding, "replace").removeprefix("\ufeff")
