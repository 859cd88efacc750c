"""Searches for words that are vectors at right angles."""

import os

import numpy as np

from zsl_cli.photos.search import searching
from zsl_cli.photos.search.request import SearchRequest

AXES = dict(zip("abcdef", np.eye(448, dtype=np.float32)[:6], strict=True))


def names(result):
    return [os.path.basename(hit.path) for hit in result.hits]


def one(query, **others):
    result, = searching.search(SearchRequest(query, **others))
    return result
