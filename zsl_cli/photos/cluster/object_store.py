"""ObjectStore: what lies below a key of a bucket in S3, in Google Cloud Storage, or in a service
that speaks as they do.

A write is one PUT of all the bytes, which a store does whole or not at all: Arrow's stream is
closed only behind the last byte, since closing it is what makes the object.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, BinaryIO, Self

from zsl_cli.errors import RequestError
from zsl_cli.photos.cluster.store import Stored, StoreError
from zsl_cli.support import extras

_CONNECT = 5  # seconds
SILENT = 10  # seconds without a byte
_ATTEMPTS = 3
"""Of each request, with these limits: what can't be reached is told of within a minute."""
_BUCKET = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,221}[a-zA-Z0-9]", re.ASCII)
_CREDENTIALS = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, or give the machine a "
          "role",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS, or give the machine a service account",
}
_ENDPOINT = {"s3": "AWS_ENDPOINT_URL", "gs": "STORAGE_EMULATOR_HOST"}
_ALSO = {"s3": "AWS_ENDPOINT_URL_S3"}  # goes before the other


@dataclass(frozen=True)
class ObjectStore:
    """See Store.

    scheme: ``s3`` or ``gs``. key: without a ``/`` at either end. endpoint: where the service
    answers, if it is not the usual one; region: of the bucket, if it is known. These are looked up
    where the store is made, so that they hold on every machine; credentials are each machine's
    own.
    """

    scheme: str
    bucket: str
    key: str
    endpoint: str = ""
    region: str = ""

    @classmethod
    def at(cls, scheme: str, rest: str) -> Self:
        """The store at what stands behind ``s3://``. Raises RequestError, MissingExtraError."""
        bucket, _, key = rest.partition("/")
        if "@" in bucket:
            raise RequestError(f"{scheme}://…: an address has no credentials; "
                               + _CREDENTIALS[scheme])
        if not _BUCKET.fullmatch(bucket):
            raise RequestError(f"{scheme}://{rest}: {bucket!r} can't be the name of a bucket")
        key = key.strip("/")
        if any(part in ("", ".", "..") for part in key.split("/")) and key:
            raise RequestError(f"{scheme}://{rest}: no empty folder, . or .. in an address")
        _arrow_fs()
        endpoint = os.environ.get(_ALSO.get(scheme, ""), "") or os.environ.get(
            _ENDPOINT[scheme], "")
        region = os.environ.get("AWS_REGION", "") or os.environ.get("AWS_DEFAULT_REGION", "")
        return cls(scheme, bucket, key, endpoint, region if scheme == "s3" else "")

    @property
    def address(self) -> str:
        """See Store."""
        return self.full("")

    @property
    def is_local(self) -> bool:
        """It is not."""
        return False

    def full(self, name: str) -> str:
        """See Store."""
        return f"{self.scheme}://{self._path(name)}"

    def _path(self, name: str) -> str:
        return "/".join(part for part in (self.bucket, self.key, name) if part)

    def files(self, below: str = "") -> Iterator[Stored]:
        """See Store."""
        start = self._path(below.strip("/"))
        with self._explained("list", below):
            try:  # S3 says which is not there, the bucket or the folder
                infos = self._opened.get_file_info(_arrow_fs().FileSelector(
                    start, recursive=True, allow_not_found=self.scheme != "s3"))
            except FileNotFoundError:
                infos = []
            if not infos and self.scheme != "s3":
                self._check_bucket()
        found = sorted((self._stored(info) for info in infos if info.is_file),
                       key=lambda one: one.name)
        if not found and not below and (one := self.look()) is not None:
            found = [one]
        yield from found

    def _stored(self, info: Any) -> Stored:
        return Stored(info.path[len(self._path("")):].lstrip("/"), info.size, info.mtime_ns)

    def look(self, name: str = "") -> Stored | None:
        """See Store."""
        with self._explained("look at", name):
            info = self._opened.get_file_info(self._path(name))
        return self._stored(info) if info.is_file else None

    def read(self, name: str = "", *, most: int) -> bytes:
        """See Store."""
        with self.open(name) as file, self._explained("read", name):
            size = file.size()  # type: ignore[attr-defined]
            if size > most:
                raise StoreError(f"{self.full(name)} has {size:,} bytes, more than {most:,}",
                                 "limit")
            return file.read()

    @contextmanager
    def open(self, name: str = "") -> Iterator[BinaryIO]:
        """See Store."""
        with self._explained("read", name):
            file = self._opened.open_input_file(self._path(name))
        with file:
            yield file

    def write(self, name: str, data: bytes) -> None:
        """See Store."""
        with self._explained("write", name):
            try:
                file = self._opened.open_output_stream(self._path(name))
                file.write(data)
                file.close()  # not where ``write`` has failed: there would be half an object
            except FileNotFoundError as error:
                raise self._no_bucket() from error

    def delete(self, name: str) -> None:
        """See Store."""
        with self._explained("remove", name):
            try:
                self._opened.delete_file(self._path(name))
            except FileNotFoundError:
                return

    def check(self) -> None:
        """See Store."""
        with self._explained("look into", ""):
            try:
                self._check_bucket()
            except OSError as error:
                if not _DENIED.search(str(error)):
                    raise
                # A list is answered with the reason, and what looks at a bucket without.
                self._opened.get_file_info(_arrow_fs().FileSelector(
                    self._path(""), allow_not_found=True))

    def _check_bucket(self) -> None:
        fs = _arrow_fs()
        if self._opened.get_file_info(self.bucket).type == fs.FileType.NotFound:
            raise self._no_bucket()

    def _no_bucket(self) -> StoreError:
        return StoreError(f"{self.address}: there is no bucket {self.bucket}{self._there}; make "
                          "it, or give another address", "missing")

    @property
    def _there(self) -> str:
        return f" at {self.endpoint}" if self.endpoint else ""

    @property
    def _opened(self) -> Any:
        """Arrow's file system, one a process."""
        return connected(self.scheme, self.endpoint, self.region or _region(self))

    @contextmanager
    def _explained(self, verb: str, name: str) -> Iterator[None]:
        """Arrow's errors as StoreError."""
        try:
            yield
        except FileNotFoundError as error:
            raise StoreError(f"cannot {verb} {self.full(name)}: there is no such file",
                             "missing") from error
        except (OSError, ValueError) as error:
            raise self._explanation(f"cannot {verb} {self.full(name)}", str(error)) from error

    def _explanation(self, what: str, message: str) -> StoreError:
        for pattern, kind, why in _REASONS:
            if re.search(pattern, message, re.IGNORECASE):
                words = {"bucket": self.bucket, "there": self._there or " there",
                         "credentials": _CREDENTIALS[self.scheme],
                         "endpoint": self.endpoint or "the service",
                         "right": f", and {_ENDPOINT[self.scheme]} right" if self.endpoint else ""}
                return StoreError(f"{what}: {why.format(**words)}", kind)
        return StoreError(f"{what}: {_shortened(message)}")


_DENIED = re.compile(r"ACCESS_DENIED|AccessDenied|Forbidden|PERMISSION_DENIED|HTTP status 403")
_REASONS = (
    (r"NO_SUCH_BUCKET|NoSuchBucket|bucket does not exist", "missing",
     "there is no bucket {bucket}{there}; make it, or give another address"),
    (r"INVALID_ACCESS_KEY_ID|InvalidAccessKeyId|SIGNATURE_DOES_NOT_MATCH|SignatureDoesNotMatch|"
     r"INVALID_CLIENT_TOKEN|MISSING_AUTHENTICATION|ExpiredToken|InvalidToken|UNAUTHENTICATED|"
     r"HTTP status 401|Invalid credentials", "permission",
     "the service does not accept the credentials; {credentials}"),
    (_DENIED.pattern, "permission",
     "no permission, or no valid credentials for it; {credentials}"),
    (r"HTTP status 301|PermanentRedirect|AuthorizationHeaderMalformed", "file",
     "the bucket {bucket} is in another region; set AWS_REGION to it"),
    (r"NETWORK_CONNECTION|curlCode|Could not connect|Connection refused|UNAVAILABLE|"
     r"Could not resolve|timed? ?out|deadline", "unreachable",
     "{endpoint} cannot be reached; is the network there{right}?"),
    (r"QuotaExceeded|NoSpaceLeft|StorageFull|XMinioStorageFull|InsufficientStorage|"
     r"HTTP status 507", "full",
     "no space is left; make space and run again: what is done is kept"),
    (r"INTERNAL_FAILURE|HTTP status 50[0-24-9]", "unreachable",
     "the service fails; run again later: what is done is kept"),
    (r"SLOW_DOWN|SlowDown|THROTTL|TooManyRequests|HTTP status (429|503)", "unreachable",
     "the service is asked too often; run again with fewer workers: what is done is kept"),
)
"""A pattern of a service's message, the kind of error it is, and what a user is told."""


def _shortened(message: str) -> str:
    """What a service says, without its request's number."""
    return re.sub(r"\s*\(Request ID: [^)]*\)", "", message)[:300]


@cache
def connected(scheme: str, endpoint: str, region: str) -> Any:
    """Arrow's file system for a service, one a process, with the credentials that are found then.
    Raises RequestError for an endpoint that is none."""
    fs = _arrow_fs()
    over: dict[str, Any] = {}
    if endpoint:
        match = re.fullmatch(r"(?:(https?)://)?((?:[^/:\s]+|\[[^]]+\])(?::\d+)?)/*", endpoint)
        if match is None:
            raise RequestError(f"{_ENDPOINT[scheme]}: {endpoint} is no address such as "
                               "http://localhost:9000")
        over = {"scheme": match[1] or "https", "endpoint_override": match[2]}
    if scheme == "gs":
        from datetime import timedelta

        return fs.GcsFileSystem(anonymous=bool(endpoint),
                                retry_time_limit=timedelta(seconds=SILENT), **over)
    how = {"region": region or None, "connect_timeout": _CONNECT, "request_timeout": SILENT,
           "retry_strategy": fs.AwsStandardS3RetryStrategy(max_attempts=_ATTEMPTS), **over}
    try:  # a small object then takes one request instead of three
        return fs.S3FileSystem(allow_delayed_open=True, **how)
    except TypeError:  # an earlier Arrow
        return fs.S3FileSystem(**how)


@cache
def _region(store: ObjectStore) -> str:
    """That of a bucket in S3 itself, which answers without credentials; empty elsewhere, and where
    it doesn't say."""
    if store.scheme != "s3" or store.endpoint:
        return ""
    try:
        return str(_arrow_fs().resolve_s3_region(store.bucket))
    except OSError:
        return ""


def _arrow_fs() -> Any:
    with extras.needed("parquet", "an object store"):
        from pyarrow import fs
    return fs
