"""A model of colours, and pictures of them in folders."""

import shutil

import pytest
from painted_sets import model, photos  # noqa: F401


@pytest.fixture
def library_of(skimage_photos, tmp_path, monkeypatch):
    """Lays out scikit-image's photographs of these names as ``photos``, in the folder where it is,
    for a user of whom nothing is known."""
    def laid_out(names):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        (tmp_path / "photos").mkdir()
        for name in names:
            shutil.copy(skimage_photos / name, tmp_path / "photos" / name)
        return tmp_path / "photos"

    return laid_out
