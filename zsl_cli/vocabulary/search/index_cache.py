"""Where built HNSW indexes are kept: the user's cache.

An index is one file, ``KEY-DIGEST.bin``: the key says what it was built from, the digest is the
SHA-256 of its bytes. It appears by one renaming, so whatever several processes do at once, a file
is either not there, or has the content that its name promises, or is damaged, which its reader
sees; then it is built again.
"""

import hashlib
import logging
import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.support import files
from zsl_cli.support.folders import sha256
from zsl_cli.vocabulary.search.nearest import Hnsw, HnswParameters

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WAIT = 3600.0
"""Seconds for which a process waits for another one that builds the same index. A lock ends with
the process that holds it, so only one that was stopped can hold it for so long."""

UNUSED = 90 * 86400.0
"""Seconds after which an index that no process has opened is taken away, when one is saved."""

_OURS = re.compile(r"[0-9a-f]{32}(-[0-9a-f]{64}\.bin|-[^.]*\.tmp|\.lock)")
_LOG = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Where the indexes are, for this user."""
    from platformdirs import user_cache_path

    return user_cache_path("zsl", appauthor=False) / "hnsw"


def cached_files(folder: Path) -> list[tuple[Path, os.stat_result]]:
    """The files of the cache, indexes (``.bin``), locks and unfinished ones; whatever else is in
    the folder is not. Empty where the folder cannot be read."""
    cached = []
    with suppress(OSError):
        for path in folder.iterdir():
            if _OURS.fullmatch(path.name):
                with suppress(OSError):  # taken away by another process
                    cached.append((path, path.lstat()))
    return cached


def _is_own(path: Path) -> bool:
    """Whether nobody but this user and root can have put a file, or the folder's files, there."""
    try:
        return not files.why_not_own(path)
    except OSError:
        return False


def _hnswlib_version() -> str:
    """Which hnswlib is installed: another one may lay out its files differently, and its module
    doesn't say."""
    from importlib import metadata  # takes some milliseconds, and only an index needs it

    try:
        return metadata.version("hnswlib")
    except metadata.PackageNotFoundError:  # without its metadata, as in a frozen program
        return "unknown"


class IndexCache:
    """Where the index over one set of vectors is kept, under a key made of their hash."""

    def __init__(self, vectors_sha256: str, parameters: HnswParameters) -> None:
        text = (f"{vectors_sha256} M={parameters.m} efc={parameters.ef_construction} "
                f"hnswlib={_hnswlib_version()}")
        self.key = hashlib.sha256(text.encode()).hexdigest()[:32]
        self.folder = cache_folder()
        self._parameters = parameters

    @property
    def is_shared(self) -> bool:
        """Whether others may write to the folder, which is then not used."""
        try:
            return bool(files.why_not_own(self.folder.resolve()))
        except OSError:  # there is none, or it can't be looked at
            return False

    @property
    def path(self) -> Path | None:
        """The newest file that was saved for the key, None if there is none that is the user's
        own. It may still turn out to be damaged."""
        return next(filter(_is_own, self._saved()), None)

    def open(self, vectors: "NDArray[np.floating]", *,
             advance: "Callable[[int], object] | None" = None) -> Hnsw:
        """The saved index if it is whole, else a new one, saved if the cache can be written.

        advance: see Hnsw.

        Of several processes that come at once the first one builds, and the others wait for it.
        """
        if index := self._load(vectors):
            return index
        with self._lock():
            if index := self._load(vectors):  # built by another process meanwhile
                return index
            _LOG.info("building the index of %s labels", f"{len(vectors):,}")
            index = Hnsw(vectors, self._parameters, advance=advance)
            if self.is_shared:
                _LOG.info("the index is not kept: others may write to %s", self.folder)
                return index
            try:
                self._save(index)
            except OSError as error:  # costs time only, each time
                _LOG.info("the index cannot be kept in %s: %s", self.folder,
                          error.strerror or error)
            return index

    def _saved(self) -> list[Path]:
        """The files of the key, newest first; none of a folder that is not to be trusted."""
        if self.is_shared:
            return []
        saved = [(status.st_mtime_ns, path) for path, status in cached_files(self.folder)
                 if path.suffix == ".bin" and path.name.startswith(self.key)]
        return [path for _, path in sorted(saved, reverse=True)]

    def _load(self, vectors: "NDArray[np.floating]") -> Hnsw | None:
        for path in self._saved():
            try:
                if _is_own(path) and sha256(path) == path.stem.rpartition("-")[2]:
                    index = Hnsw(vectors, self._parameters, cached=path)
                    with suppress(OSError):
                        os.utime(path)  # it is used
                    return index
            except (OSError, RuntimeError, ValueError):
                continue  # gone, or of another layout than its key says
        return None

    def _save(self, index: Hnsw) -> None:
        """Put the index into its place and take away what was there, and the indexes that have
        not been used for long; raises OSError."""
        import tempfile

        handle, name = tempfile.mkstemp(prefix=f"{self.key}-", suffix=".tmp", dir=self.folder)
        os.close(handle)
        work = Path(name)
        try:
            index.save(work)
            target = self.folder / f"{self.key}-{sha256(work)}.bin"
            work.replace(target)
        finally:
            work.unlink(missing_ok=True)
        old = [path for path, status in cached_files(self.folder)
               if time.time() - status.st_mtime > UNUSED and not path.name.startswith(self.key)]
        for path in [*self._saved(), *old]:
            if path != target:
                with suppress(OSError):  # Windows: in use
                    path.unlink()

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Within it no other process builds this index, unless it has waited for WAIT seconds or
        the cache cannot be written.
        """
        with ExitStack() as stack:
            with suppress(OSError):
                self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                if not self.is_shared and stack.enter_context(files.locked(
                        self.folder / f"{self.key}.lock", wait=WAIT, waiting=lambda: _LOG.info(
                            "another process is building the index; waiting for it"))):
                    for left in self.folder.glob(f"{self.key}-*.tmp"):  # of one that was killed
                        left.unlink(missing_ok=True)
            yield
