"""Model: a model folder and the ONNX Runtime session that turns images into embeddings."""

import importlib
import logging
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.embedding import graphs, images, sessions
from zsl_cli.errors import FolderError, NotFiniteError, OutOfMemoryError
from zsl_cli.support import folders
from zsl_cli.support.manifests import ENCODER_FILE, ModelManifest
from zsl_cli.support.vectors import have_direction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from contextlib import AbstractContextManager

    import onnxruntime
    from numpy.typing import NDArray

    from zsl_cli.embedding.label_encoder import LabelEncoder

BATCH, BATCH_ON_GPU = 4, 64
"""Images that go through an encoder at once. On a CPU more are no faster, and at the end of a run
one core waits for the other's last batch."""

STREAMS = 2
"""Batches that a graphics card has at once: while one is computed, the next is copied there."""

_LOG = logging.getLogger(__name__)


class Model:
    """An image encoder: uint8 RGB pixels → unit vectors in the space called ``space``."""

    def __init__(self, manifest: ModelManifest, path: Path,
                 open_session: "Callable[[], onnxruntime.InferenceSession]",
                 device: str) -> None:
        self.path = path
        self.name = manifest.name
        self.space = manifest.space
        self.dimension = manifest.dimension
        self.manifest = manifest
        self.preprocessing = manifest.input
        self.calibration = manifest.calibration
        self._open_session = open_session
        self._device = device
        self._most = sys.maxsize  # images at once, until the memory of a card sets a limit

    @classmethod
    def load(cls, name: str | os.PathLike[str] = "default", *, device: str = "auto",
             threads: int | None = None) -> "Model":
        """The model of this name or in this folder, its files checked against their hashes.

        threads: CPU threads of one ``embed_pixels``, all usable cores by default. It may be
            called from several threads at once, and with 1 that is the fastest for many images.

        Raises FolderError, and DeviceError when ``device`` cannot be used.
        """
        model = cls.described(name, device=device, threads=threads)
        model.open()
        return model

    @classmethod
    def described(cls, name: str | os.PathLike[str] = "default", *, device: str = "auto",
                  threads: int | None = None) -> "Model":
        """The same, whose encoder is opened when the first image comes: where embeddings are at
        hand, none does. Raises FolderError for a manifest that can't be used."""
        folder = folders.find(folders.MODEL, name)
        manifest = folders.read_manifest(folders.MODEL, folder)

        def open_session() -> "onnxruntime.InferenceSession":
            with ThreadPoolExecutor(1) as pool:  # read and hashed while the runtime is imported
                reading = pool.submit(graphs.read, folder, ENCODER_FILE, manifest)
                importlib.import_module("onnxruntime")
            return sessions.open_session(reading.result(), device, threads)

        return cls(manifest, folder, open_session, device)

    def open(self) -> None:
        """Open the encoder, if it is not open yet. Raises FolderError and DeviceError."""
        assert self._session

    @property
    def is_open(self) -> bool:
        """Whether the encoder is open."""
        return "_session" in vars(self)

    @cached_property
    def _session(self) -> "onnxruntime.InferenceSession":
        session = self._open_session()
        self._check_graph(session)
        return session

    @cached_property
    def device(self) -> str:
        """The device that the encoder runs on, ``cpu`` or, say, ``cuda:0``; opens it."""
        return sessions.session_device(self._session)

    @property
    def batch_size(self) -> int:
        """How many images go through the encoder at once, unless somebody knows better."""
        return BATCH_ON_GPU if sessions.on_cuda(self._session) else BATCH

    @property
    def streams(self) -> int:
        """How many batches a graphics card has at once, each on a thread of its own; 0 on a CPU,
        whose cores run the batches themselves."""
        return STREAMS if sessions.on_cuda(self._session) else 0

    @cached_property
    def _turn(self) -> "AbstractContextManager[object]":
        # More at once than that would be no faster, and share the card's memory.
        return threading.BoundedSemaphore(self.streams) if self.streams else nullcontext()

    @cached_property
    def _one_by_one(self) -> bool:
        return bool(self._session.get_inputs()[0].shape[0] == 1)

    def _check_graph(self, session: "onnxruntime.InferenceSession") -> None:
        """Raise FolderError unless the graph takes and gives what
        docs/formats-and-contract.md says."""
        inputs = {node.name: node for node in session.get_inputs()}
        outputs = {node.name: node for node in session.get_outputs()}
        side = self.preprocessing.size
        square = [side, side, 3] if self.preprocessing.layout == "NHWC" else [3, side, side]
        if (list(inputs) != ["images"] or inputs["images"].type != "tensor(uint8)"
                or inputs["images"].shape[1:] != square):
            raise FolderError(f"{self.path / ENCODER_FILE}: expected one input, images, uint8 "
                              f"[batch, {', '.join(map(str, square))}]")
        if inputs["images"].shape[0] != 1 and isinstance(inputs["images"].shape[0], int):
            raise FolderError(f"{self.path / ENCODER_FILE}: it takes {inputs['images'].shape[0]} "
                              "images at once, no more and no less; export it with a dynamic "
                              "batch, or with one of 1")
        embedding = outputs.get("embedding")
        if embedding is None or (embedding.type, embedding.shape[1:]) != (
                "tensor(float)", [self.dimension]):
            raise FolderError(f"{self.path / ENCODER_FILE}: expected an output, embedding, "
                              f"[batch, {self.dimension}], float32")

    @property
    def encodes_phrases(self) -> bool:
        """Whether the folder has a label encoder; see ``label_encoder``."""
        return self.manifest.encodes_phrases

    @cached_property
    def label_encoder(self) -> "LabelEncoder | None":
        """What turns phrases into label vectors of this model's space, on the device that the
        model is asked to run on, or None; loaded at first use. Raises FolderError."""
        if not self.encodes_phrases:
            return None
        from zsl_cli.embedding.label_encoder import LabelEncoder

        return LabelEncoder.load(self.path, self.manifest, device=self._device)

    def read(self, source: "images.ImageSource", *,
             max_pixels: int = images.MAX_PIXELS) -> "NDArray[np.uint8]":
        """One image as this encoder takes it; raises ImageError."""
        return images.load(source, self.preprocessing, max_pixels=max_pixels)

    def embed_pixels(self, pixels: "Sequence[NDArray[np.uint8]]") -> "NDArray[np.float32]":
        """The unit embeddings, float32 ``[n, D]``, of n arrays that ``read`` has made.
        Raises FolderError for a graph that fails."""
        if not pixels:
            return np.empty((0, self.dimension), np.float32)
        batch = np.stack(pixels)
        parts = np.split(batch, len(batch)) if self._one_by_one else [batch]
        with self._turn:
            return np.concatenate([self._run(part) for part in parts])

    def _run(self, batch: "NDArray[np.uint8]") -> "NDArray[np.float32]":
        path = self.path / ENCODER_FILE
        if len(batch) > self._most:
            return np.concatenate([self._run(batch[start:start + self._most])
                                   for start in range(0, len(batch), self._most)])
        try:
            embeddings = sessions.run(self._session, {"images": batch}, path)
        except OutOfMemoryError:
            if len(batch) == 1:
                raise
            self._most = min(self._most, len(batch) // 2)
            _LOG.info("%s: its memory does not suffice for %d images at once; going on with %d",
                      self.device, len(batch), self._most)
            return self._run(batch)
        if embeddings.shape != (len(batch), self.dimension):
            raise FolderError(f"{path}: gave {list(embeddings.shape)} for {len(batch)} images, not "
                              f"[{len(batch)}, {self.dimension}]")
        return embeddings

    def embed(self, sources: "Iterable[images.ImageSource]", *,
              batch_size: int | None = None) -> "NDArray[np.float32]":
        """The unit embeddings, float32 ``[n, D]``, of paths, bytes or Pillow images.

        Raises ImageError at the first image that cannot be used; ``Classifier.classify`` and
        ``stream.embed`` go on instead.
        """
        size = batch_size or self.batch_size
        pixels = [self.read(source) for source in sources]
        batches = [self.embed_pixels(pixels[start:start + size])
                   for start in range(0, len(pixels), size)]
        embeddings = np.concatenate([self.embed_pixels([]), *batches])
        if not have_direction(embeddings).all():
            raise NotFiniteError
        return embeddings
