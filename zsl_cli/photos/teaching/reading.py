"""Photos → their embeddings; those that catalogues know are not read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zsl_cli.embedding import stream
from zsl_cli.errors import ImageError
from zsl_cli.photos.catalogue import vectors
from zsl_cli.photos.known import KnownEmbeddings
from zsl_cli.photos.photo import Photo
from zsl_cli.support import cpus
from zsl_cli.support.limits import MAX_PIXELS

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from zsl_cli.photos.reporter import Reporter
    from zsl_cli.support.manifests import ModelManifest

    Half = NDArray[np.float16]


@dataclass(frozen=True)
class Embedded:
    """A photo's content, see ``content_of``, its path and its embedding, float16 ``[D]``."""

    content: str
    path: str
    embedding: "Half"


@dataclass(frozen=True)
class Reading:
    """How photos are read that no catalogue knows: see Classifier.load and Classifier.classify."""

    device: str = "auto"
    jobs: int | None = None
    batch_size: int | None = None
    max_pixels: int = MAX_PIXELS


def content_of(size: int, crc: int) -> str:
    """What tells the content of a photo, as catalogues know it without reading it: the CRC-32 of
    the file, and its size."""
    return f"{crc:08x}-{size}"


def embed(folder: "Path", manifest: "ModelManifest", wanted: "Sequence[tuple[str, str]]",
          reading: Reading, reporter: "Reporter") -> "list[Embedded | ImageError]":
    """What there is of each of these photos, by path and content, either of which may be empty.

    The model in the folder is opened when the first photo has to be read. Raises ZslError.
    """
    found: dict[int, Embedded | ImageError] = {}
    with KnownEmbeddings.of(manifest) as known:
        for at, (path, content) in enumerate(wanted):
            row = (known.find(path) if path else None) or (
                known.with_content(*_parts(content)) if content else None)
            if row is not None:
                found[at] = Embedded(content_of(row.size, row.crc), path or row.path,
                                     row.embedding)
            elif not path:
                found[at] = ImageError("no indexed photo has this content", "missing")
    todo = [at for at in range(len(wanted)) if at not in found]
    found |= dict(_read(folder, [(at, wanted[at][0]) for at in todo], reading, reporter))
    return [found[at] for at in range(len(wanted))]


def _parts(content: str) -> tuple[int, int]:
    """Size and CRC-32; ones that nothing has for what is neither."""
    crc, _, size = content.partition("-")
    try:
        return int(size), int(crc, 16)
    except ValueError:
        return -1, -1


def _read(folder: "Path", todo: Sequence[tuple[int, str]], reading: Reading,
          reporter: "Reporter") -> "Iterable[tuple[int, Embedded | ImageError]]":
    if not todo:
        return
    from zsl_cli.embedding.model import Model

    model = Model.load(folder, device=reading.device)
    photos = {at: Photo(path, at, max_pixels=reading.max_pixels) for at, path in todo}
    reporter.start("reading", len(todo), "photos")
    options: dict[str, Any] = {"batch_size": reading.batch_size or model.batch_size,
                               "jobs": reading.jobs or cpus.usable_cpus()}
    for batch in stream.embed(model, ((at, photo.read) for at, photo in photos.items()),
                              **options):
        embeddings = iter(vectors.as_stored(batch.embeddings))
        for at, error in zip(batch.keys, batch.errors, strict=True):
            photo = photos[at]
            if error is not None:
                yield at, error
                continue
            embedding = next(embeddings)
            if photo.stamp is None or photo.crc is None:
                yield at, ImageError("it changed while it was being read", "changed")
            else:
                yield at, Embedded(content_of(photo.stamp.size, photo.crc), photo.path, embedding)
        reporter.advance(len(batch.keys), sum(error is not None for error in batch.errors))
    reporter.end()
