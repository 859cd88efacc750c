"""The arrays of an ``.npz``, held to what arrays are."""

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.lib.npyio import NpzFile


def arrays_of(file: "NpzFile") -> dict[str, Any]:
    """Its arrays by their names. Raises ValueError for an entry that is none, or whose texts are
    no texts; and whatever numpy raises for a damaged file."""
    arrays: dict[str, Any] = {name: file[name] for name in file.files}
    for name, array in arrays.items():
        if not isinstance(array, np.ndarray):  # without numpy's mark, an entry is mere bytes
            raise ValueError(f"{name!r} is no array")
        if array.dtype.kind == "U" and array.nbytes:
            native = np.ascontiguousarray(array).reshape(-1).astype(array.dtype.newbyteorder("="))
            if native.view(np.uint32).max() > sys.maxunicode:
                raise ValueError(f"{name!r} is no text")
    return arrays
