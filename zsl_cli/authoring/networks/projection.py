"""M: from a CNN's penultimate features to the space of the label vectors."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from zsl_cli.authoring.networks import file_kinds
from zsl_cli.authoring.networks.arrays import arrays_of
from zsl_cli.embedding import graphs
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.support.manifests import ENCODER_FILE
from zsl_cli.support.wording import listed

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMBERS = ("temperature", "radius", "score_temperature", "unit_features")
_IN_MANIFEST = ("temperature", "radius", "unit_features")
_TENSOR_FILES = (".pt", ".pth", ".bin", ".safetensors")


@dataclass(frozen=True)
class Projection:
    """The embedding of an image with features v and class probabilities
    p = softmax(logits / temperature): ``(features · v + posterior · p + bias) / ‖…‖``.

    With a ``radius`` R there is one more dimension, ``√(R² - ‖…‖²)``: then the division is by R
    for every image, and the length of what is projected counts (it is cut off at R).

    features: ``[D, F]``; the M of DeViSE (Frome et al., 2013).
    posterior: ``[D, C]``, or None. With a label vector a class in its columns this is ConSE
        (Norouzi et al., 2014): a mean of label vectors, weighted by the classifier.
    bias: ``[D]``, or None.
    unit_features: v is scaled to unit length first.
    space: the name of the space of the label vectors; None if the file does not say it.
    score_temperature: inner products divided by it are log-probabilities, if that is known.
    """

    features: "NDArray[np.float32]"
    posterior: "NDArray[np.float32] | None" = None
    bias: "NDArray[np.float32] | None" = None
    space: str | None = None
    temperature: float = 1.0
    radius: float | None = None
    score_temperature: float | None = None
    unit_features: bool = False

    def __post_init__(self) -> None:
        """Raises ZslError for arrays that are no such thing."""
        for name in ("features", "posterior", "bias"):
            array = getattr(self, name)
            if array is None:
                continue
            shape_fits = (array.ndim == (1 if name == "bias" else 2) and array.size > 0
                          and len(array) == len(self.features))
            if array.dtype.kind != "f" or not shape_fits or not np.isfinite(array).all():
                raise ZslError(f"the projection's {name} must be finite numbers, "
                               f"{'[D]' if name == 'bias' else '[D, …]'}; it is {array.dtype} "
                               f"{list(array.shape)}")
            object.__setattr__(self, name, np.ascontiguousarray(array, dtype=np.float32))

    @property
    def dimension(self) -> int:
        """The embedding's: D, and one more with a radius."""
        return len(self.features) + (self.radius is not None)

    def numbers(self) -> dict[str, Any]:
        """What a model's manifest says of it: the arrays are in the encoder."""
        return {name: getattr(self, name) for name in _IN_MANIFEST}

    def save(self, file: BinaryIO) -> None:
        """Write an ``.npz`` that ``load`` reads to a file that is open."""
        arrays: dict[str, Any] = {name: value for name, value in vars(self).items()
                                  if value is not None}
        np.savez(file, **arrays)

    @classmethod
    def of_model(cls, folder: Path) -> "Projection":
        """The M inside a model folder, as an export has written it: the arrays are weights
        of the encoder, in half precision where it is quantised. Raises ZslError."""
        import onnx
        from onnx import numpy_helper

        manifest = folders.read_manifest(folders.MODEL, folder)
        if manifest.embedding != "projection" or manifest.projection is None:
            raise ZslError(f"{folder}: there is no projection M in this model, or its manifest "
                           "does not describe it; give the checkpoint that it was made from")
        encoder = graphs.read(folder, ENCODER_FILE, manifest)
        weights = {tensor.name: tensor for tensor in
                   onnx.load_from_string(encoder.content).graph.initializer}
        arrays: dict[str, Any] = {}
        for name in ("features", "posterior", "bias"):
            tensor = weights.get(f"head.{name}_half", weights.get(f"head.{name}"))
            if tensor is not None:
                arrays[name] = numpy_helper.to_array(tensor).astype(np.float32)
        numbers: dict[str, Any] = {name: manifest.projection.get(name) for name in _IN_MANIFEST}
        if "features" not in arrays or numbers["temperature"] is None:
            raise ZslError(f"{folder / ENCODER_FILE}: no weights of a projection M in it; give the "
                           "checkpoint that it was made from")
        try:
            return cls(**arrays, **numbers, space=manifest.space,
                       score_temperature=manifest.calibration.temperature)
        except TypeError as error:
            raise ZslError(f"{folder}: its manifest is not as an export writes it: {error}"
                           ) from error

    @classmethod
    def load(cls, name: str | Path, *, trust: bool | None = False) -> "Projection":
        """Read M: an ``.npz`` of ``save``; an ``.npy`` ``[D, F]``; or a ``.safetensors`` or
        PyTorch file with a weight ``[D, F]`` and maybe a bias ``[D]``. ``FILE:KEY`` names the
        weight in a file of many, such as the checkpoint itself. Raises ZslError."""
        path, key = _split(str(name))
        file_kinds.refuse_pointer(path)
        fields = (_from_tensors(path, key, trust) if path.suffix in _TENSOR_FILES
                  else _from_arrays(path))
        try:
            return cls(**fields)
        except ZslError as error:
            raise ZslError(f"{path}: {error}") from error


def _split(name: str) -> tuple[Path, str | None]:
    path, colon, key = name.rpartition(":")
    if colon and key and not Path(name).exists() and Path(path).suffix in _TENSOR_FILES:
        return Path(path), key
    return Path(name), None


def _from_arrays(path: Path) -> dict[str, Any]:
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return {"features": loaded}
        with loaded:
            arrays = arrays_of(loaded)
    except FileNotFoundError as error:
        raise ZslError(f"{path}: no such file") from error
    except OSError as error:
        raise ZslError(f"{path}: {error.strerror or error}") from error
    except Exception as error:  # a damaged archive fails in as many ways as it has bytes
        raise ZslError(f"{path}: no matrix in it (.npy, .npz, .pt, .safetensors)") from error
    try:
        fields: dict[str, Any] = {name: float(arrays.pop(name)) for name in _NUMBERS
                                  if name in arrays and arrays[name].size == 1}
    except (TypeError, ValueError) as error:
        raise ZslError(f"{path}: one of {', '.join(_NUMBERS)} is no number in it") from error
    fields["unit_features"] = bool(fields.get("unit_features", False))
    if "space" in arrays:
        fields["space"] = str(arrays.pop("space"))
    unknown = arrays.keys() - {"features", "posterior", "bias"}
    if "features" not in arrays or unknown:
        raise ZslError(f"{path}: expected the arrays features and, if wanted, posterior and "
                       f"bias; it holds {', '.join(sorted(arrays)) or 'none'}")
    return {**fields, **arrays}


def _from_tensors(path: Path, key: str | None, trust: bool | None) -> dict[str, Any]:
    """The one matrix of a file, or the one that is named, and its bias."""
    import torch

    from zsl_cli.authoring.networks import weights

    if path.suffix == ".safetensors" or key is not None:
        tensors = weights.read(path, trust=trust).tensors
    else:
        tensors = weights.tensors_in(path, trust=trust)
    matrices = [name for name, value in tensors.items()
                if value.ndim == 2 and value.is_floating_point()]
    if key is not None and key not in tensors:
        raise ZslError(f"{path}: no tensor {key!r} in it; its matrices: "
                       + (listed(matrices) or "none"))
    if key is None and len(matrices) != 1:
        raise ZslError(f"{path}: it holds {len(matrices)} matrices, and M is to be named: "
                       f"`projection={path}:KEY`; its matrices: "
                       + (listed(matrices) or "none"))
    name = key or matrices[0]
    bias = tensors.get(name.removesuffix("weight") + "bias") if name.endswith("weight") else None
    if key is None and bias is None:
        others = [value for value in tensors.values() if value.ndim == 1]
        bias = others[0] if len(others) == 1 and len(others[0]) == len(tensors[name]) else None
    fields = {"features": tensors[name].to(torch.float32).numpy()}
    return fields if bias is None else {**fields, "bias": bias.to(torch.float32).numpy()}
