"""A small CLIP and a small SigLIP, as their library has them and as transformers.js' layout."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import networks
import published
import pytest


@dataclass(frozen=True)
class Original:
    """A model of transformers: itself, its folder, and the folder in transformers.js' layout."""

    kind: str
    model: Any
    folder: Path
    ready: Path


def _make(kind, folder):
    networks.import_transformers()
    pytest.importorskip("onnxscript")
    source = folder / "source"
    source.mkdir()
    model = getattr(published, kind)(source)
    return Original(kind, model, source,
                    published.transformers_js(model, source, folder / "ready"))


@pytest.fixture(scope="session")
def clip(tmp_path_factory):
    return _make("clip", tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="session")
def siglip(tmp_path_factory):
    return _make("siglip", tmp_path_factory.mktemp("siglip"))


@pytest.fixture(params=["clip", "siglip"])
def original(request):
    return request.getfixturevalue(request.param)
