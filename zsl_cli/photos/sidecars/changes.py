"""A change of one sidecar on disk: what it is, how it is shown, and how it is made safely."""

import difflib
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from zsl_cli.errors import ImageError
from zsl_cli.photos.sidecars.elements import error
from zsl_cli.photos.sidecars.merging import is_ours
from zsl_cli.photos.sidecars.packet import MAX_BYTES, encoding_of, is_blank
from zsl_cli.support.files import at_once, replacing

BACKUP = ".zsl-backup"
"""What is added to a sidecar's name for the copy that is kept of it."""

_MAX_LINES = 20_000  # the time to compare them grows with their square
_TRIES = 5  # of a sidecar that others change at the same time


@dataclass(frozen=True)
class Change:
    """What is to happen to one sidecar.

    before: None where there is none yet; after: None where it goes.
    warning: what is not as it should be, yet no reason to leave the sidecar as it was.
    ends_copy: whether the copy of it, NAME.xmp.zsl-backup, goes as well.
    """

    path: str
    before: bytes | None
    after: bytes | None
    warning: str = ""
    ends_copy: bool = False

    def diff(self) -> list[str]:
        """The change as a unified diff, line by line without line ends; of a sidecar so long that
        it would take minutes to compare, only that."""
        before, after = ([] if data is None else _text(data).splitlines()
                         for data in (self.before, self.after))
        old, new = (os.devnull if data is None else self.path
                    for data in (self.before, self.after))
        if len(before) > _MAX_LINES:
            lines = [f"--- {old}", f"+++ {new}",
                     f"@@ {len(before):,} lines, too many to compare @@"]
        else:
            lines = list(difflib.unified_diff(before, after, old, new, lineterm=""))
        if self.ends_copy:
            lines += [f"--- {copy_of(self.path)}", f"+++ {os.devnull}",
                      "@@ the copy of what it was before zsl @@"]
        return lines


class _ChangedError(ImageError):
    """A sidecar is no longer what it was when a change of it was planned."""


def carried_out(plan: Callable[[], Change | None],
                work: Callable[[Change], None]) -> Change | None:
    """The change that was planned and made; None where there was none to make. Where another
    program has changed the sidecar in between, it is planned anew, so that nothing is lost.

    Raises ImageError as ``plan`` and ``work`` do.
    """
    for left in reversed(range(_TRIES)):
        change = plan()
        if change is None:
            break
        try:
            work(change)
            return change
        except ImageError as reason:
            if not isinstance(reason.__cause__, _ChangedError) or not left:
                raise
    return None


def apply(change: Change) -> None:
    """Write what a sidecar is to be: it appears whole or stays as it was.

    Before the first change of a sidecar that zsl did not make, or in which there is anything that
    isn't zsl's, a copy is kept as ``NAME.xmp.zsl-backup``; it is never overwritten. A symbolic link
    is followed, if there is something at its end, and the file's permissions are kept.

    Raises ImageError of kind ``sidecar`` where the sidecar cannot be written, or is no longer
    what it was when the change was planned.
    """
    assert change.after is not None
    try:
        path, before = _checked(change), change.before
        # An empty file holds nothing; the copy of it tells that there was one.
        if before is not None and not os.path.lexists(copy_of(path)) and (
                is_blank(before) or not is_ours(before)):
            with replacing(copy_of(path), like=path) as copy:
                copy.write(before)
        # What zsl made can be made again; what holds somebody's work outlives a power cut.
        with replacing(path, durable=before is not None, check=lambda: _checked(change)) as file:
            file.write(change.after)
    except (ImageError, OSError) as reason:
        raise named(change.path, "write", reason) from reason


def take_back(change: Change) -> None:
    """Write what a sidecar was before zsl, or remove it, and its copy. Killed at any moment it
    leaves what another run goes on from.

    Raises ImageError as ``apply`` does.
    """
    try:
        path = _checked(change)
        if change.after is not None and change.after != change.before:
            with replacing(path, check=lambda: _checked(change)) as file:
                file.write(change.after)
        if change.ends_copy:
            _remove(copy_of(path))
        if change.after is None:  # last: a copy alone would look like somebody's lost work
            _remove(path)
            if os.path.islink(change.path):
                _remove(change.path)
    except (ImageError, OSError) as reason:
        raise named(change.path, "write", reason) from reason


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):  # another run was quicker
        os.unlink(path)


def _checked(change: Change) -> str:
    """The file that is to be changed, at the end of any links; raises ImageError where it is
    read-only, or not what it was when the change was planned."""
    if read(change.path) != change.before:
        raise _ChangedError("another program has changed it meanwhile; run zsl again", "sidecar")
    path = os.path.realpath(change.path)
    if change.before is not None and not os.access(path, os.W_OK) and os.path.exists(path):
        raise error("it is read-only; allow writing to it, or move it away")
    return path


def copy_of(path: str) -> str:
    """Where the copy of a sidecar lies, beside the file itself."""
    return os.path.realpath(path) + BACKUP


def read(path: str) -> bytes | None:
    """The sidecar; None where there is none. What is no regular file is never opened, since it
    could block for ever, and nothing is made at the end of a link."""
    try:
        _check_regular(os.stat(path).st_mode)
        with open(path, "rb", buffering=0, opener=at_once) as file:
            _check_regular(os.fstat(file.fileno()).st_mode)  # something else may be there by now
            return file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        if os.path.islink(path):
            raise error("a symbolic link to nothing; remove it and run zsl again") from None
        return None


def _check_regular(mode: int) -> None:
    if not stat.S_ISREG(mode):
        raise error("not a regular file; move it away and run zsl again")


def named(path: str, verb: str, reason: Exception) -> ImageError:
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
