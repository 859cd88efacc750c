"""The mean embedding of photos, which a space without a label prior needs: in many all photos point
much the same way, and only what differs from it says what they show."""

from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.photos.known import KnownEmbeddings

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from zsl_cli.support.manifests import ModelManifest, VocabularyManifest

_PHOTOS = 512  # that tell it
_ENOUGH = 32  # of those; with fewer, pictures are drawn
_DRAWN = 24


def centre(folder: "Path", model: "ModelManifest", vocabulary: "VocabularyManifest",
           device: str) -> "tuple[NDArray[np.float32] | None, str]":
    """float32 ``[D]`` and what it is of, for people; None where the space needs none.

    It is of photos that are indexed with the model, or else of pictures that are drawn, which the
    model in the folder is opened for. Raises ZslError.
    """
    if vocabulary.prior_dimension is not None:
        return None, ""
    with KnownEmbeddings.of(model) as known:
        sample = known.sample(_PHOTOS)
    if len(sample) >= _ENOUGH:
        return sample.astype(np.float32).mean(axis=0), f"{len(sample)} indexed photos"
    from zsl_cli.embedding.model import Model

    opened = Model.load(folder, device=device)
    drawn = [opened.read(picture) for picture in _drawn(_DRAWN)]
    return opened.embed_pixels(drawn).mean(axis=0), f"{_DRAWN} drawn pictures"


def _drawn(number: int) -> list[bytes]:
    """Pictures, as PNG: smooth colours at several scales, as photos have them, and nothing else."""
    import io

    from PIL import Image

    pictures = []
    for seed in range(number):
        random = np.random.default_rng(seed)
        image = np.zeros((256, 256, 3), np.float32)
        for size in (2, 5, 13, 34, 89):
            small = random.normal(0, 1, (size, size, 3)) + random.normal(0, 1, (size, size, 1))
            cells = Image.fromarray(np.uint8(np.clip(127 + 50 * small, 0, 255)))
            image += np.asarray(cells.resize((256, 256), Image.Resampling.BICUBIC),
                                np.float32) / size ** 0.5
        image = (image - image.min()) / (image.max() - image.min())
        file = io.BytesIO()
        Image.fromarray(np.uint8(255 * image)).save(file, "PNG")
        pictures.append(file.getvalue())
    return pictures
