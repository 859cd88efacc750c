"""The store at an address: a folder or a file of this machine, or an object store."""

import os

from zsl_cli.errors import RequestError
from zsl_cli.photos.cluster.store import Store, Stored, StoreError
from zsl_cli.support.addresses import SCHEME, is_address

__all__ = ("OBJECT_STORES", "Store", "StoreError", "Stored", "is_address", "store_at")

OBJECT_STORES = {"s3": "s3", "gs": "gs", "gcs": "gs"}
"""Schemes of addresses, and the one that is written."""


def store_at(address: "str | os.PathLike[str]") -> Store:
    """The store at an address: a local path, ``file:///…``, ``s3://bucket/…`` or ``gs://bucket/…``.
    Nothing is asked of it yet.

    Raises RequestError for an address that makes no sense, MissingExtraError without pyarrow.
    """
    text = os.fspath(address)
    match = SCHEME.match(text)
    if match is None:
        from zsl_cli.photos.cluster.local_store import LocalStore

        return LocalStore.at(text)
    scheme = match[1].lower()
    if scheme == "file":
        from urllib.parse import unquote, urlsplit

        from zsl_cli.photos.cluster.local_store import LocalStore

        parts = urlsplit(text)
        if parts.netloc not in ("", "localhost"):
            raise RequestError(f"{text}: file:// is for files of this machine; write three slashes "
                               "before a path, as in file:///mnt/photos")
        return LocalStore.at(unquote(parts.path))
    if scheme not in OBJECT_STORES:
        raise RequestError(f"{text}: no object store is known under {scheme}://; give a path, "
                           "s3://BUCKET/… or gs://BUCKET/…")
    from zsl_cli.photos.cluster.object_store import ObjectStore

    return ObjectStore.at(OBJECT_STORES[scheme], text[match.end():])
