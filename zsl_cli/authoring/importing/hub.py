"""The files of a model on the Hugging Face hub, those that an import needs, fetched by
huggingface_hub into its own cache, which other programs share.

Its environment counts: ``HF_TOKEN``, ``HF_ENDPOINT``, ``HF_HUB_OFFLINE``, ``HF_HOME``. What it
compares of a file is the size; here the SHA-256 that the hub lists is compared, too. Nothing that
is fetched is run.
"""

import errno
import fnmatch
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zsl_cli.authoring.importing import layouts, onnx_models
from zsl_cli.authoring.importing.request import Repository
from zsl_cli.authoring.networks import published
from zsl_cli.errors import RequestError, ZslError
from zsl_cli.support import extras, folders
from zsl_cli.support.progress import SILENT, Reporter
from zsl_cli.support.wording import listed, printable, reason

_NAME = re.compile(r"[\w.-]+/[\w.-]+")
_MEGABYTE = 1e6
_PYTORCH = ("*.safetensors", "*.safetensors.index.json", "pytorch_model*.bin",
            "pytorch_model*.bin.index.json", "open_clip_pytorch_model.bin", "config.json",
            "vocab.json", "vocab.txt", "merges.txt", "spiece.model", "*.model")
"""What an export of PyTorch weights wants, besides the settings."""


@dataclass(frozen=True)
class _Listing:
    """What the hub lists of a revision: the commit, each file's size and SHA-256 (None where it
    keeps none), and the licence of the card."""

    commit: str
    sizes: Mapping[str, int]
    hashes: Mapping[str, str]
    license: str | None


@dataclass(frozen=True)
class Pulled:
    """What was fetched.

    folder: with the files, as they lie in the repository.
    ready: whether there are ONNX graphs in it; without, it has weights of PyTorch.
    """

    folder: Path
    repository: Repository
    license: str | None
    ready: bool


def pull(name: str, *, form: str | None = None, variant: str | None = None, compare: bool = True,
         reporter: Reporter = SILENT) -> Pulled:
    """Fetch of ``OWNER/NAME`` or ``OWNER/NAME@REVISION`` what an import needs.

    form, variant: see layouts.
    compare: whether fp32, too, is fetched for another form, so that the import can measure this
        one: broken ones are published, and nothing else tells them.

    Raises RequestError for another name, ZslError for what cannot be had or is of no use.
    """
    repository, at, revision = name.partition("@")
    if not _NAME.fullmatch(repository) or (at and not revision):
        raise RequestError(f"{name!r}: OWNER/NAME is expected, or OWNER/NAME@REVISION")
    with extras.needed("hub", "fetching from the Hugging Face hub"):
        from huggingface_hub import constants
    if constants.HF_HUB_OFFLINE:
        return _from_cache(repository, revision or None, variant)
    with _told(repository, revision):
        listing = _list(repository, revision or None)
    found = layouts.find(listing.sizes, variant)
    exact: set[str] = set()
    if found is not None:
        chosen = found.form(form)
        names = layouts.needed(found, chosen, listing.sizes)
        if compare and chosen != "fp32" and "fp32" in found.forms:
            exact = {*layouts.needed(found, "fp32", listing.sizes)} - {*names}
            names = [*names, *sorted(exact)]
    else:
        names = [one for one in listing.sizes if "/" not in one and (
            one in layouts.SETTINGS or layouts.is_license(one) or any(
                fnmatch.fnmatch(one, pattern) for pattern in _PYTORCH))]
        if not any(one.endswith((".safetensors", ".bin")) for one in names):
            raise ZslError(f"{repository}: none of the known layouts: looked for "
                           f"{layouts.looked_for()}; nor weights of PyTorch. There is "
                           f"{printable(listed(sorted(listing.sizes)))}")
    total = sum(listing.sizes[one] for one in names) / _MEGABYTE
    more = sum(listing.sizes[one] for one in exact) / _MEGABYTE
    of_these = f", {more:,.1f} of them to compare {form} with fp32" if exact else ""
    reporter.say(f"{repository} at {listing.commit[:12]}: {len(names)} of {len(listing.sizes)} "
                 f"files, {total:,.1f} MB{of_these}; licence: {listing.license or 'not given'}")
    reporter.start(f"fetching {repository}", round(total), "MB")
    with _told(repository, revision):
        _remember(repository, revision, names)
        places = {one: _fetch(repository, one, listing, reporter) for one in names}
        folder = _root(places)
        for graph in [one for one in names if one.endswith(".onnx")]:
            before = graph.rpartition("/")[0]
            for beside in onnx_models.locations(places[graph]):
                path = f"{before}/{beside}" if before else beside
                if path not in listing.sizes:
                    raise ZslError(f"{repository}: the weights of {graph} are to be in "
                                   f"{printable(path)}, which is not there")
                _fetch(repository, path, listing, reporter)
    reporter.end()
    return Pulled(folder, Repository(repository, listing.commit),
                  listing.license or published.license_of(folder), found is not None)


def source_of(pulled: Pulled) -> dict[str, str]:
    """What a manifest says of where a model is from."""
    from huggingface_hub import constants

    one = pulled.repository
    return {"name": one.name, "license": pulled.license or "not given",
            "url": f"{constants.ENDPOINT}/{one.name}/tree/{one.revision}"}


def _list(repository: str, revision: str | None) -> _Listing:
    from huggingface_hub import HfApi

    info = HfApi().model_info(repository, revision=revision, files_metadata=True)
    files = [one for one in info.siblings or [] if _is_inside(one.rfilename)]
    card = info.card_data
    said = card.get("license") if card is not None else None
    return _Listing(
        str(info.sha), {one.rfilename: int(one.size or 0) for one in files},
        {one.rfilename: one.lfs.sha256 for one in files if one.lfs is not None},
        str(said) if said and said != "other" else _other_license(card))


def _other_license(card: Any) -> str | None:
    name = card.get("license_name") if card is not None else None
    return str(name) if name else None


def _is_inside(name: str) -> bool:
    return not name.startswith("/") and ".." not in name.split("/") and "\\" not in name


def _fetch(repository: str, name: str, listing: _Listing, reporter: Reporter) -> Path:
    """A file of the cache, fetched if need be and compared with its SHA-256."""
    from huggingface_hub import hf_hub_download

    path = Path(hf_hub_download(repository, name, revision=listing.commit,
                                tqdm_class=_bar(reporter)))
    wanted = listing.hashes.get(name)
    if wanted and folders.sha256(path) != wanted:
        path.resolve().unlink()
        path.unlink(missing_ok=True)
        raise ZslError(f"{repository}: {name} is not what the hub lists (another SHA-256); it was "
                       "taken out of the cache: fetch it again")
    return path


def _remember(repository: str, revision: str, names: Sequence[str]) -> None:
    """Have the cache know which commit a revision is, for when there is no connection."""
    from huggingface_hub import hf_hub_download

    smallest = min(names, key=len)
    hf_hub_download(repository, smallest, revision=revision or "main", tqdm_class=_bar(SILENT))


def _bar(reporter: Reporter) -> type:
    """What huggingface_hub tells of how far it is, told to the reporter instead."""
    from huggingface_hub.utils import tqdm

    class Bar(tqdm):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            reporter.advance(float(options.get("initial") or 0) / _MEGABYTE)
            super().__init__(*arguments, **{**options, "disable": True})

        def update(self, n: float | None = 1) -> None:
            reporter.advance(float(n or 0) / _MEGABYTE)

    return Bar


def _root(places: Mapping[str, Path]) -> Path:
    """The folder from which files have the paths that they have in the repository."""
    name, path = next(iter(places.items()))
    return path.parents[name.count("/")]


def _from_cache(repository: str, revision: str | None, variant: str | None) -> Pulled:
    """What an earlier call has fetched. Raises ZslError."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(repository, revision=revision, local_files_only=True))
    except (LocalEntryNotFoundError, OSError, ValueError) as error:
        raise ZslError(f"{repository} is not in the cache, and HF_HUB_OFFLINE forbids to fetch it"
                       ) from error
    names = [path.relative_to(folder).as_posix()
             for path in folder.rglob("*") if path.is_file()]
    return Pulled(folder, Repository(repository, folder.name), published.license_of(folder),
                  layouts.find(names, variant) is not None)


@contextmanager
def _told(repository: str, revision: str) -> Iterator[None]:
    """Errors of huggingface_hub, and of what lies below it, in our words."""
    from huggingface_hub import constants, errors

    try:
        yield
    except ZslError:
        raise
    except errors.GatedRepoError as error:
        raise ZslError(f"{repository}: its makers want their terms accepted first, at "
                       f"{constants.ENDPOINT}/{repository}; then set HF_TOKEN") from error
    except errors.RepositoryNotFoundError as error:
        raise ZslError(f"{repository}: no such repository at {constants.ENDPOINT}, or a private "
                       "one: set HF_TOKEN to a token that may read it") from error
    except errors.RevisionNotFoundError as error:
        raise ZslError(f"{repository}: no revision {revision!r}") from error
    except errors.HFValidationError as error:
        raise ZslError(f"{repository}: {reason(error)}") from error
    except errors.HfHubHTTPError as error:
        raise ZslError(f"{repository}: {constants.ENDPOINT} answers: {reason(error)}") from error
    except (errors.HTTPError, errors.LocalEntryNotFoundError) as error:
        raise ZslError(f"{repository}: {constants.ENDPOINT} cannot be reached, or the connection "
                       f"broke off ({reason(error)}); the same command goes on from there"
                       ) from error
    except _others(errors) as error:
        raise ZslError(f"{repository}: cannot be fetched ({reason(error)}); the same command goes "
                       "on from there") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise ZslError(f"{repository}: no room is left in the cache, {constants.HF_HUB_CACHE}; "
                           "HF_HOME names another place") from error
        raise ZslError(f"{repository}: {reason(error)}") from error


def _others(errors: Any) -> tuple[type[Exception], ...]:
    """Errors of huggingface_hub that are of no kind above, and not of every version."""
    return tuple(getattr(errors, name) for name in ("XetDownloadError", "RevisionResolutionError")
                 if hasattr(errors, name))
