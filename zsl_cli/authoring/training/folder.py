"""The folder of a training: the old results stay until the new ones take their place.

What is under way lies in a folder of its own within, ``unfinished``, the new results too until all
of them are there. So whatever ends a training early, nothing of an earlier one is lost, and
nothing of the two is mixed.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from zsl_cli.authoring.training.request import UNFINISHED
from zsl_cli.authoring.training.session import STATE
from zsl_cli.errors import ZslError
from zsl_cli.support import folders, work_folder
from zsl_cli.support.names import Name


class Request(Protocol):
    """What is asked of a training, as far as its folder goes.

    output, work: the folder, and that of what is unfinished in it.
    in_epochs: whether it may have been begun. reads: paths that it reads.
    """

    @property
    def output(self) -> Name:
        """See above."""

    @property
    def restart(self) -> bool:
        """See request."""

    @property
    def force(self) -> bool:
        """See request."""

    @property
    def work(self) -> Path:
        """See above."""

    @property
    def in_epochs(self) -> bool:
        """See above."""

    @property
    def reads(self) -> tuple[Any, ...]:
        """See above."""


CHECKPOINT, LOG, CURVES, FACTS, SEEN, MODEL, VOCABULARY = RESULTS = (
    "run.pt", "log.jsonl", "curves.html", "train.json", "seen.txt", "model", "vocab")
_LOCK = "zsl-train.lock"
_FINISHED = {CHECKPOINT, FACTS}  # one of them at least, even while results are being put in place


@contextmanager
def opened(request: Request) -> Iterator[None]:
    """The output folder with its ``unfinished``, held by this process alone.

    When the block ends well there is nothing left to go on with; when it does not, and nothing
    has been done yet, no folder is left either. Raises ZslError.
    """
    with work_folder.opened(request.work, "training", lock=_LOCK, shown=Path(request.output),
                            check=partial(check, request)):
        yield


def check(request: Request) -> None:
    """Raise ZslError unless a training may be written here and reads nothing that lies there."""
    output = Path(request.output)
    if not output.exists():
        return
    if not _is_of_a_training(output):
        raise ZslError(f"{output} is no folder of a training; name another")
    if (output / FACTS).exists() and not request.force:
        raise ZslError(f"{output} holds a finished training; give `force` to replace it")
    if (request.work / STATE).exists() and not (request.in_epochs or request.restart):
        raise ZslError(f"{output} holds an unfinished training by another method; give `restart` "
                       "to throw it away")
    folders.check_apart(output, request.reads)


def _is_of_a_training(output: Path) -> bool:
    """Whether nothing else lies there, but for hidden names, which are nobody's business."""
    if not output.is_dir():
        return False
    there = {path.name for path in output.iterdir() if not path.name.startswith(".")}
    if UNFINISHED in there and not _is_work(output / UNFINISHED):
        return False
    return there <= {*RESULTS, UNFINISHED} and (
        not there or UNFINISHED in there or not there.isdisjoint(_FINISHED))


def _is_work(folder: Path) -> bool:
    return folder.is_dir() and not folder.is_symlink() and (
        (folder / _LOCK).is_file() or not any(folder.iterdir()))


def clear(work: Path) -> None:
    """Remove all that is unfinished."""
    work_folder.clear(work, lock=_LOCK)


def clear_results(work: Path, *, but_log: bool) -> None:
    """Remove the results that a kill has left among what is unfinished."""
    for name in RESULTS:
        if name != LOG or not but_log:
            _remove(work / name)


def put_in_place(work: Path, output: Path) -> None:
    """Move the new results to where the old ones are; of these nothing stays."""
    # Until the facts of the new are there it is no finished training, and the same command goes on.
    _remove(output / FACTS)
    for name in (*(name for name in RESULTS if name != FACTS), FACTS):
        new, old = work / name, output / name
        if not new.exists() or new.is_dir() or old.is_dir():
            _remove(old)
        if new.exists():
            os.replace(new, old)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
