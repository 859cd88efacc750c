"""Where catalogues lie: in the user's data folder, one a library and model, or elsewhere."""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.errors import ZslError
from zsl_cli.photos.catalogue import parts
from zsl_cli.photos.catalogue.catalogue import Catalogue
from zsl_cli.photos.catalogue.identity import Identity
from zsl_cli.support.addresses import is_address

if TYPE_CHECKING:
    from zsl_cli.photos.catalogue.identity import Encoder


def home() -> Path:
    """The folder with this user's catalogues."""
    if chosen := os.environ.get("ZSL_HOME"):
        return Path(chosen) / "catalogues"
    from platformdirs import user_data_path

    return user_data_path("zsl", appauthor=False) / "catalogues"


def known() -> list[tuple[Path, Identity]]:
    """The catalogues of this user and what they are of, without those that can't be read."""
    found = []
    for folder in every():
        try:
            with Catalogue.reading(folder) as catalogue:
                found.append((folder, catalogue.identity))
        except ZslError:
            continue
    return found


def every() -> list[Path]:
    """The folders of this user's catalogues, whatever is in them, sorted."""
    try:
        return sorted(filter(_is_any, home().iterdir()))
    except OSError:
        return []


def _is_any(folder: Path) -> bool:
    try:
        return parts.is_there(folder)
    except ZslError:  # root's, say; whoever reads it says so
        return True


def library_of(sources: Sequence[str]) -> str:
    """The library that these are of: a folder that stands alone, here or in an object store, or
    nothing for photos, patterns and lists, which may lie anywhere."""
    if len(sources) == 1 and (is_address(sources[0]) or os.path.isdir(sources[0])):
        return full(sources[0])
    return ""


def full(source: str) -> str:
    """The whole path of a source, with all links followed; an address as it is."""
    return source.rstrip("/") if is_address(source) else os.path.realpath(source)


def place_of(sources: Sequence[str], encoder: "Encoder",
             chosen: "str | os.PathLike[str] | None" = None) -> tuple[Path, Identity]:
    """The folder of the catalogue for these sources, and what it is of: the one that is chosen,
    else the nearest of this user that has a folder above all of them, else a new one."""
    identity = Identity(library_of(sources), encoder)
    if chosen is not None:
        folder = Path(chosen)
        if not identity.library and parts.is_there(folder):
            with Catalogue.reading(folder) as catalogue:
                return folder, Identity(catalogue.identity.library, encoder)
        return folder, identity
    paths = [full(source) for source in sources]
    above = [(len(noted.library), folder, noted) for folder, noted in known()
             if noted.encoder.digest == encoder.digest and noted.library and paths
             and all(is_within(path, noted.library) for path in paths)]
    if above:
        _, folder, noted = max(above, key=lambda one: one[0])
        return folder, noted
    return home() / _name(identity), identity


def moved_from(identity: Identity) -> "Iterator[tuple[Path, Identity]]":
    """Catalogues of the same model whose library is no longer there; this one may be it."""
    for folder, noted in known():
        if (noted.encoder.digest == identity.encoder.digest and noted.library
                and is_gone(noted.library)):
            yield folder, noted


def is_gone(library: str) -> bool:
    """Whether a library is not there; of one in an object store nobody asks."""
    return bool(library) and not is_address(library) and not os.path.exists(library)


def is_away(library: str) -> bool:
    """Whether a library is not there, or is an empty folder, as the place of a disk is that is not
    mounted; what has no library, or lies in an object store, is not away."""
    if not library or is_address(library):
        return False
    try:
        with os.scandir(library) as entries:
            return next(entries, None) is None
    except PermissionError:
        return False
    except OSError:
        return True


def can_be_written(place: Path) -> bool:
    """Whether a catalogue is at this place or can be made there, and can be written to."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return False
    return os.access(place if os.path.exists(place) else place.parent, os.W_OK)


def is_within(path: str, folder: str) -> bool:
    """Whether a path is a folder, or below it; both absolute."""
    return os.path.join(path, "").startswith(os.path.join(folder, ""))


def _name(identity: Identity) -> str:
    """What the folder of a catalogue is called: after the library and the model, and by a digest,
    since several libraries may be called the same."""
    words = [os.path.basename(identity.library) or ("photos" if not identity.library else "root"),
             identity.encoder.model]
    plain = "-".join(re.sub(r"[^\w-]+", "-", word, flags=re.ASCII).strip("-")[:40] or "x"
                     for word in words)
    text = f"{identity.library}\0{identity.encoder.digest}"
    return f"{plain}-{hashlib.sha256(os.fsencode(text)).hexdigest()[:10]}"
