"""A catalogue by its name, its folder, or the folder of its library."""

import os
from difflib import get_close_matches
from pathlib import Path

from zsl_cli.errors import ZslError
from zsl_cli.photos.catalogue import parts, places
from zsl_cli.support.wording import listed

_NAMED = 5


def find(name: str | os.PathLike[str]) -> Path:
    """The folder of the catalogue that is meant, see ``find_all``. Raises ZslError for none, and
    for several."""
    found = find_all(name)
    if len(found) > 1:
        names = listed([place.name for place in found], _NAMED)
        raise ZslError(f"{os.fspath(name)} has {len(found)} catalogues, for several models; name "
                       f"one: {names}")
    return found[0]


def find_all(name: str | os.PathLike[str]) -> list[Path]:
    """The folders of the catalogues that are meant: a folder that is one, one of this user's by
    its name, or those of a library, which need not be there. Raises ZslError for none."""
    folder, text = Path(name), os.fspath(name)
    if parts.is_there(folder):
        return [folder]
    if os.sep not in text and parts.is_there(places.home() / text):
        return [places.home() / text]
    library = places.full(text)
    known = places.known()
    found = [place for place, identity in known if identity.library == library]
    if found:
        return found
    if above := [(len(identity.library), place.name) for place, identity in known
                 if identity.library and places.is_within(library, identity.library)]:
        raise ZslError(f"{text} has no catalogue of its own; the one of the library above it is "
                       f"called {max(above)[1]}")
    every = [place.name for place in places.every()]
    readable = {place.name for place, _ in known}
    if (near := get_close_matches(text, every, n=1)) or len(readable) == len(every):
        hint = f"; is it {near[0]}?" if near else ""
    else:  # a damaged one does not say what it is of
        names = listed([name for name in every if name not in readable], _NAMED)
        hint = f"; of what these are cannot be read, so that they have to be named: {names}"
    raise ZslError(f"{text}: no catalogue is called so, lies there or is of that folder{hint}")
