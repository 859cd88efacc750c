"""What is said where nothing can be searched: why, and the commands that change it."""

import os
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from zsl_cli.errors import ZslError
from zsl_cli.photos.catalogue.identity import Encoder
from zsl_cli.support import folders
from zsl_cli.support.wording import listed

if TYPE_CHECKING:
    from zsl_cli.photos.catalogue.identity import Identity
    from zsl_cli.photos.search.request import SearchRequest


def nothing_indexed(request: "SearchRequest", others: "Sequence[Identity]",
                    encoder: Encoder) -> ZslError:
    """No catalogue of the model is there; ``others``: those of other models."""
    if gone := [folder for folder in request.within if not os.path.isdir(folder)]:
        return ZslError(f"{gone[0]}: no such folder, and no photo of it is indexed")
    if request.within:
        where = f"{listed([str(folder) for folder in request.within])} is not indexed"
        library = str(request.within[0])
    else:
        where, library = "no library is indexed", ""
    if not others:
        return ZslError(f"{where} yet; {_index(library, request)} reads every photo once")
    told = listed([f"{one.library or 'a list of photos'} by {_other(one, encoder)}"
                   for one in others], separator="; ")
    return ZslError(f"{where} with model {encoder.model!r}, only {told}. "
                    f"{_index(others[0].library, request)} reads it with this one"
                    + _or_the_other(others[0], encoder))


def of_another_model(folder: Path, noted: "Identity", encoder: Encoder,
                     request: "SearchRequest") -> ZslError:
    """The catalogue that is to be searched is another model's. Where it lies, no other can."""
    return ZslError(f"{folder} was made by {_other(noted, encoder)}; "
                    f"{_index(noted.library, request)} reads the photos with this one, into a "
                    "catalogue that is searched without `catalogue`"
                    + _or_the_other(noted, encoder))


def away(told: Sequence[str], request: "SearchRequest") -> ZslError:
    """No library is there."""
    place = "" if request.catalogue is None else f" `catalogue={quote(str(request.catalogue))}`"
    return ZslError(f"{listed(told)} is not there or empty; if it is on a disk or a share that "
                    f"is not mounted, mount it; if it was moved, {_index('', request)}{place} "
                    "finds it again")


def _other(noted: "Identity", encoder: Encoder) -> str:
    if noted.encoder.model == encoder.model:
        return f"another version of model {noted.encoder.model!r}"
    return f"model {noted.encoder.model!r}, not {encoder.model!r}"


def _index(library: str, request: "SearchRequest") -> str:
    """The command that indexes a library with the model that was asked for."""
    model = str(request.model)
    given = "" if model == "default" else f" `model={quote(model)}`"
    return f"zsl index {quote(library) if library else 'FOLDER'}{given}"


def _or_the_other(noted: "Identity", encoder: Encoder) -> str:
    """How the model is asked for that made a catalogue, as far as that is known."""
    name = noted.encoder.model
    if name == encoder.model:
        return ""
    try:
        manifest = folders.read_manifest(folders.MODEL, folders.find(folders.MODEL, name))
        is_it = Encoder.of(manifest).digest == noted.encoder.digest
    except ZslError:
        is_it = False
    return (f"; `model={quote(name)}` searches what is there" if is_it else
            "; or give the folder of the other as `model`")
