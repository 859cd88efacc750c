"""Addresses of object stores, which stand where a path may stand."""

import re

SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://", re.ASCII | re.IGNORECASE)


def is_address(text: str) -> bool:
    """Whether a text is an address with a scheme, such as ``s3://bucket/photos``, and no path."""
    return bool(SCHEME.match(text))
