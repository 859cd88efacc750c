"""Captioned: images, and the captions of each, out of a file."""

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.errors import ZslError
from zsl_cli.evaluation.captions import forms
from zsl_cli.support.wording import quoted

if TYPE_CHECKING:
    from collections.abc import Callable

LONGEST = 10_000
"""Characters of a caption; those that people wrote have some hundreds at most."""


@dataclass(frozen=True)
class Captioned:
    """Images, in the order of the file, and what their captions say.

    paths: n files, which need not be there; captions: of each, one or several.
    failed: captions that are left out, by where they stand, and why: such as are empty, no text, or
        too long to be one.
    """

    paths: tuple[Path, ...]
    captions: tuple[tuple[str, ...], ...]
    failed: tuple[tuple[str, ZslError], ...] = ()

    def __len__(self) -> int:
        return len(self.paths)

    def without(self, why_not: "Callable[[str], ZslError | None]") -> "Captioned":
        """Without the captions that there is something against, which have failed then, and without
        the images that have no others."""
        wrong = {caption: error for of_image in self.captions for caption in of_image
                 if (error := why_not(caption))}
        left = [(path, kept) for path, of_image in zip(self.paths, self.captions, strict=True)
                if (kept := tuple(one for one in of_image if one not in wrong))]
        return replace(self, paths=tuple(path for path, _ in left),
                       captions=tuple(kept for _, kept in left),
                       failed=(*self.failed, *wrong.items()))


def read(path: str | os.PathLike[str], images: str | os.PathLike[str] | None = None,
         split: str | None = None) -> Captioned:
    """The images of a file of captions in one of the forms that ``forms`` understands.

    images: the folder from which the paths of images go on; by default that of the file.
    split: only captions that the file says are of this split.

    Raises ZslError for a file of another form, or when there are none that can be used.
    """
    path = Path(path)
    folder = path.parent if images is None else Path(images)
    if not folder.is_dir():
        raise ZslError(f"{folder}: no such folder")
    groups: dict[str, list[str]] = {}
    splits: set[str] = set()
    failed: list[tuple[str, ZslError]] = []
    for line in forms.read(path, with_split=split is not None):
        splits.add(line.split)
        if split is not None and line.split != split:
            continue
        if why := why_not(line.caption) if line.image else "there is no image":
            where = f"{path}, {line.where}"
            failed.append((where, ZslError(f"{where}: {why}")))
        else:
            groups.setdefault(line.image, []).append(line.caption)
    if failed and not groups:
        raise failed[0][1]
    if not groups:
        raise ZslError(f"{path}: no line is of the split {split!r}, but of "
                       + ", ".join(sorted(splits)) if splits else
                       f"{path}: no captions are listed in it")
    return Captioned(tuple(folder / image for image in groups), tuple(map(tuple, groups.values())),
                     tuple(failed))


def why_not(caption: str) -> str:
    """What is wrong with a caption: the bytes of a path may be any, those of a caption are
    words."""
    if not caption:
        return "the caption is empty"
    if len(caption) > LONGEST:
        return (f"a caption of {len(caption):,} characters, and at most {LONGEST:,} are one; is a "
                f"quotation mark not closed? {quoted(caption)}")
    try:
        caption.encode()
    except UnicodeEncodeError:
        return f"{quoted(caption)} is not UTF-8 text; convert the file first (iconv -t utf-8)"
    return ""
