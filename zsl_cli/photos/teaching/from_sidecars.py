"""Corrections out of sidecars: keywords that a user added or took out with other programs since zsl
wrote its own."""

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from zsl_cli.embedding.walk import Walk
from zsl_cli.errors import ImageError
from zsl_cli.photos.sidecars import embedded_keywords, undoing
from zsl_cli.photos.sidecars.changes import copy_of, named, read
from zsl_cli.photos.sidecars.edited import Edits, edits
from zsl_cli.photos.sidecars.merging import is_marked, users_keywords
from zsl_cli.photos.teaching.corrections import Correction

if TYPE_CHECKING:
    from zsl_cli.photos.sidecars.edited import Lists


def of_sidecars(sources: Iterable[str]) -> Iterator[Correction]:
    """What users have changed of the keywords of photos in folders, or of photos.

    A keyword that was added is shown: under the one above it in its hierarchy, where it has one. A
    keyword of zsl's that was taken out is not shown. A sidecar that zsl has never written into says
    nothing. Words may be of people and of journeys, so that what is no label is left out.
    """
    for photo, error in Walk().expand(sources):
        if error is not None:
            yield Correction("", photo, error=error, if_known=True)
            continue
        try:
            sidecars = undoing.sidecars_of(photo)
        except ImageError as problem:
            yield Correction("", photo, error=problem, if_known=True)
            continue
        for sidecar in sidecars:
            try:
                found = _edits(sidecar, photo)
            except (ImageError, OSError) as problem:
                yield Correction("", sidecar, error=named(sidecar, "read", problem), if_known=True)
                continue
            for *above, label in found.added:
                yield Correction(label, photo, under=tuple(above[-1:]), where=sidecar,
                                 if_known=True)
            for label in found.removed:
                yield Correction(label, photo, shows=False, where=sidecar, if_known=True)


def _edits(sidecar: str, photo: str) -> Edits:
    data = read(sidecar)
    if data is None or not is_marked(data):
        return Edits()
    before: list[Lists] = [embedded_keywords.read(photo).lists]
    copy = None if os.path.islink(copy_of(sidecar)) else read(copy_of(sidecar))
    if copy is not None:
        before.append(users_keywords(copy))
    return edits(data, before)
