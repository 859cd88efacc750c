"""A network's features at the speed of ``zsl label``: through ONNX Runtime, in float32."""

import hashlib
import json
import tempfile
import threading
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.exporting import graph, heads
from zsl_cli.authoring.exporting.onnx_files import FEATURES, IMAGES
from zsl_cli.authoring.exporting.plan import Plan
from zsl_cli.embedding import images, sessions
from zsl_cli.embedding.model import BATCH, BATCH_ON_GPU, STREAMS
from zsl_cli.support import devices

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import onnxruntime
    from numpy.typing import NDArray

    Load = Callable[..., NDArray[np.uint8]]


class FeatureEncoder:
    """What feature_cache.embed takes. The network is exported when the first image is not in the
    cache, and not before."""

    def __init__(self, plan: Plan, device: str = "cpu", load: "Load" = images.load) -> None:
        """Embed images by the network of a plan.

        device: as sessions.open_session; ``auto`` falls back.
        load: takes pixels from an image, as images.load does. The ``repr`` of another one says
            what it does.
        """
        self._plan = plan
        self._device = device
        self._load = load
        self._graph = _Graph(plan, device)
        on_cpu = device == "cpu"
        self.batch_size, self.streams = (BATCH, 0) if on_cpu else (BATCH_ON_GPU, STREAMS)

    def loading(self, load: "Load") -> "FeatureEncoder":
        """The same network, fed by another ``load``."""
        other = FeatureEncoder(self._plan, self._device, load)
        other._graph = self._graph
        return other

    @property
    def identity(self) -> str:
        """What the features depend on, beside the image."""
        network = self._plan.network
        facts = {"architecture": network.architecture, "weights": self._graph.digest,
                 "features": self._plan.features.where, "input": asdict(network.input),
                 "device": devices.kind_of(self._device)}
        if self._load is not images.load:
            facts["load"] = repr(self._load)
        return json.dumps(facts, sort_keys=True)

    def read(self, source: "images.ImageSource", *,
             max_pixels: int = images.MAX_PIXELS) -> "NDArray[np.uint8]":
        """One image as the network takes it; raises ImageError."""
        return self._load(source, self._plan.network.input.preprocessing, max_pixels=max_pixels)

    def embed_pixels(self, pixels: "Sequence[NDArray[np.uint8]]") -> "NDArray[np.float32]":
        """float32 ``[n, F]``."""
        if not pixels:
            return np.empty((0, self._plan.features.width), np.float32)
        return self._graph.session().run([FEATURES], {IMAGES: np.stack(pixels)})[0]


class _Graph:
    """The network as ONNX Runtime runs it."""

    def __init__(self, plan: Plan, device: str) -> None:
        self._plan, self._device = plan, device
        self._lock = threading.Lock()

    @cached_property
    def digest(self) -> str:
        """Of the network's tensors, not of its file: an M that was trained on these features
        lies in a file of another hash."""
        digest = hashlib.sha256()
        for name, tensor in sorted(self._plan.features.body.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
            digest.update(np.ascontiguousarray(tensor.cpu().numpy()).tobytes())
        return digest.hexdigest()

    def session(self) -> "onnxruntime.InferenceSession":
        """Made when it is first asked for, on whatever thread."""
        with self._lock:
            return self._session

    @cached_property
    def _session(self) -> "onnxruntime.InferenceSession":
        encoder = graph.Encoder(self._plan.features.body, heads.Plain(self._plan.features.width),
                                self._plan.network.input)
        with tempfile.TemporaryDirectory(prefix="zsl-") as folder:
            file = Path(folder) / "features.onnx"
            graph.write_encoder(encoder, file)
            return sessions.open_session(file, self._device, 1)
