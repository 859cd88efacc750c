"""A network and a head → one ONNX graph, from uint8 pixels to unit embeddings."""

from pathlib import Path

import torch
from torch import Tensor, nn

from zsl_cli.authoring.exporting import attention, first_token, onnx_files
from zsl_cli.authoring.exporting.heads import Head
from zsl_cli.authoring.exporting.onnx_files import EMBEDDING, FEATURES, IDS, IMAGES
from zsl_cli.authoring.networks.network import Input
from zsl_cli.authoring.networks.quietly import quietly
from zsl_cli.authoring.networks.vectors import unit
from zsl_cli.errors import ZslError
from zsl_cli.support import extras
from zsl_cli.support.wording import reason

OPSET = 18


class Encoder(nn.Module):
    """What an ``encoder.onnx`` computes: normalisation, the network up to its features, the
    head."""

    pixel_mean: Tensor  # a plain "mean" could be the name of a value of the network's
    pixel_std: Tensor

    def __init__(self, body: nn.Module, head: Head, network_input: Input) -> None:
        super().__init__()
        self.body = body
        self.head = head
        self.layout = network_input.preprocessing.layout
        self.side = network_input.preprocessing.size
        self.bgr = network_input.bgr
        self.grey = network_input.grey
        self.register_buffer("pixel_mean", torch.tensor(network_input.mean).view(1, -1, 1, 1))
        self.register_buffer("pixel_std", torch.tensor(network_input.std).view(1, -1, 1, 1))
        self.halved = False

    def halve(self) -> "Encoder":
        """Turn the network, in place, into half precision. What prepares the pixels and the head
        stay in float32: their sums of squares would overflow."""
        self.body.half()
        self.halved = True
        return self

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """uint8 ``[n, S, S, 3]`` or ``[n, 3, S, S]`` → the embedding, float32 ``[n, D]``, unit
        norm; and the features ``[n, F]`` that it was made from."""
        pixels = self.prepared(images)
        features = self.body(pixels.half() if self.halved else pixels).float()
        return self.head(features), features

    def prepared(self, images: Tensor) -> Tensor:
        """uint8 images → normalised pixels, float32 ``[n, 3, S, S]``."""
        if self.layout == "NHWC":
            images = images.permute(0, 3, 1, 2)
        pixels = images.float()
        if self.bgr:
            pixels = pixels.flip(1)
        if self.grey:
            pixels = _luma(pixels)
        return (pixels - self.pixel_mean) / self.pixel_std

    def example(self) -> Tensor:
        """Two blank images; with one the batch would be frozen at 1."""
        shape = (2, self.side, self.side, 3) if self.layout == "NHWC" else (
            2, 3, self.side, self.side)
        return torch.zeros(shape, dtype=torch.uint8)


def _luma(pixels: Tensor) -> Tensor:
    """RGB of 0 to 255, ``[n, 3, S, S]`` → ITU-R BT.601's luma ``[n, 1, S, S]``, in whole numbers
    as Pillow's ``convert("L")`` has it."""
    red, green, blue = (pixels[:, channel:channel + 1] for channel in range(3))
    return ((red * 19595 + green * 38470 + blue * 7471 + 32768) / 65536).floor()


class LabelEncoder(nn.Module):
    """What a ``label_encoder.onnx`` computes: a text tower, scaled to unit length."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower

    def halve(self) -> "LabelEncoder":
        """Turn the tower, in place, into half precision."""
        self.tower.half()
        return self

    def forward(self, input_ids: Tensor) -> tuple[Tensor, Tensor]:
        """int64 ``[n, L]`` → float32 ``[n, D]``, unit norm; and the same before scaling."""
        features = self.tower(input_ids).float()
        return unit(features), features


def write_encoder(encoder: Encoder, path: Path) -> None:
    """Write an encoder as an ONNX file with a dynamic batch; weights above 2 GB lie beside it, see
    ``onnx_files.weights_of``. Raises ZslError for what cannot be exported."""
    import onnx

    _write(encoder, encoder.example(), IMAGES, {0: torch.export.Dim("batch", min=1)}, path)
    model = onnx.load(path, load_external_data=False)
    if first_token.take_early(model):
        path.write_bytes(model.SerializeToString())


def write_label_encoder(encoder: LabelEncoder, length: int, path: Path, *,
                        fixed: bool = False) -> None:
    """Write a label encoder as one ONNX file with a dynamic batch and, unless ``fixed``, a
    dynamic number of tokens up to ``length``. Raises ZslError."""
    dims = {0: torch.export.Dim("batch", min=1)}
    if not fixed:
        dims[1] = torch.export.Dim("tokens", min=2, max=length)
    example = torch.ones((2, length if fixed else min(7, length)), dtype=torch.int64)
    _write(encoder, example, IDS, dims, path)


def _write(module: nn.Module, example: Tensor, name: str, dims: dict[int, "torch.export.Dim"],
           path: Path) -> None:
    size = sum(value.numel() * value.element_size() for value in module.state_dict().values())
    module.eval()
    try:
        with extras.needed("export", "exporting"), quietly(), torch.inference_mode():
            # The exporter's own simplifying may leave values out: those of clips of one value with
            # several bounds, in onnxscript 0.7.
            program = _program(module, example, name, dims, optimize=True)
            if not _is_whole(program):
                program = _program(module, example, name, dims, optimize=False)
            _name_outputs(program)
            _check_dynamic(program, dims)
            program.save(path, external_data=size > onnx_files.MOST_BYTES)
    except (OSError, MemoryError, ZslError):
        raise
    except Exception as error:  # the exporter raises whatever tracing a network leads it to
        raise ZslError(f"this network cannot be exported to ONNX: {_cause(error)}") from error


def _program(module: nn.Module, example: Tensor, name: str, dims: dict[int, "torch.export.Dim"], *,
             optimize: bool) -> "torch.onnx.ONNXProgram":
    program = torch.onnx.export(
        module, (example,), dynamo=True, dynamic_shapes=(dims,), input_names=[name],
        opset_version=OPSET, verbose=False, optimize=optimize,
        custom_translation_table=attention.translations())
    assert program is not None  # it is for dynamo=True
    return program


def _is_whole(program: "torch.onnx.ONNXProgram") -> bool:
    """Whether all that its nodes use is there."""
    graph = program.model.graph
    there = {value.name for value in (*graph.inputs, *graph.initializers.values())}
    there |= {value.name for node in graph.all_nodes() for value in node.outputs}
    return all(value is None or value.name in there for node in graph for value in node.inputs)


def _check_dynamic(program: "torch.onnx.ONNXProgram", dims: dict[int, "torch.export.Dim"]) -> None:
    """The exporter, when a network's code ties a size to that of the example, goes on with it."""
    shape = program.model.graph.inputs[0].shape
    for axis, dim in dims.items():
        if shape is None or isinstance(shape[axis], int):
            raise ZslError(f"this network cannot be exported to ONNX: its code fixes the size of "
                           f"dimension {axis} ({dim.__name__}) of its input")


def _name_outputs(program: "torch.onnx.ONNXProgram") -> None:
    """Name the two outputs; the exporter itself does not see that a value inside may have the
    same name, as that of torch's operator ``embedding`` has."""
    names, graph = (EMBEDDING, FEATURES), program.model.graph
    inside = [value for node in graph.all_nodes() for value in node.outputs]
    for value in (*inside, *graph.initializers.values()):
        if value.name in names:
            value.name = f"{value.name}_inside"
    for value, name in zip(graph.outputs, names, strict=True):
        value.name = name


def _cause(error: BaseException) -> str:
    """The innermost reason in one line: the exporter wraps it in pages of advice."""
    while error.__cause__ is not None:
        error = error.__cause__
    kind, text = type(error).__name__, reason(error)
    return kind if text == kind else f"{kind}: {text}"
