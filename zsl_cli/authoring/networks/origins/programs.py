"""Programs that bring their own code: ``torch.export``'s ``.pt2`` and TorchScript."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, fx, nn

from zsl_cli.authoring.networks import assumed, vetting
from zsl_cli.authoring.networks.hints import InputOptions
from zsl_cli.authoring.networks.network import Input, Network
from zsl_cli.authoring.networks.weights import refuse_broken
from zsl_cli.errors import ZslError
from zsl_cli.support.preprocessing import Preprocessing
from zsl_cli.support.wording import reason

_FROZEN = ("its batch was frozen at {} when it was traced; trace it again with two images or more, "
           "save it with torch.jit.script, or with torch.export.save and a dynamic batch")
_OTHER_BATCHES = (1, 4, 8)  # that programs are traced with
_HALF = (torch.float16, torch.bfloat16)
_HALF_NAMES = ("Half", "BFloat16")
_WHY = "a program does not say it; as for ImageNet"


def read_program(path: Path, options: InputOptions, *, trust: bool | None = False) -> Network:
    """A ``.pt2`` program of one image tensor, with a dynamic batch. Raises ZslError."""
    program = vetting.load_program(path, trust=trust)
    refuse_broken({**program.state_dict, **{
        name: value for name, value in program.constants.items()
        if isinstance(value, torch.Tensor)}}, path)
    shape = _image_shape(program, path)
    if kinds := sorted({str(value.dtype).removeprefix("torch.")
                        for value in program.state_dict.values() if value.dtype in _HALF}):
        raise ZslError(f"{path}: it computes in half precision ({', '.join(kinds)}); export it "
                       "again in float32, after the network's float()")
    if isinstance(shape[0], int):
        raise ZslError(f"{path}: it takes a batch of exactly {shape[0]}, to which it was frozen; "
                       "export it again with two images or more and "
                       "torch.export.export(…, dynamic_shapes=({0: torch.export.Dim('batch')},))")
    size = shape[2] if isinstance(shape[2], int) else options.size or 224
    module = program.module()
    assert isinstance(module, fx.GraphModule)
    return _network("torch.export program", module, size, path,
                    fixed=isinstance(shape[2], int), grey=shape[1] == 1)


def read_torchscript(path: Path, options: InputOptions, *, trust: bool | None = False) -> Network:
    """A TorchScript module of one image tensor. Raises ZslError."""
    script = vetting.load_torchscript(path, trust=trust)
    refuse_broken(dict(script.state_dict()), path)
    size = options.size or 224
    notes = _in_float32(script)
    graph = _as_graph(script, size, path, sized=options.size is not None)
    return replace(_network("TorchScript", graph, size, path), notes=notes)


def _network(name: str, module: nn.Module, size: int, path: Path, *,
             fixed: bool = False, grey: bool = False) -> Network:
    """The program as a network, of whose input it says at most the side, and the channels."""
    prepared = Input(Preprocessing(size, crop=1.0))
    if grey:
        prepared = prepared.of_grey()
    return Network(name, module, prepared, (path,), assumed=assumed.of(
        prepared, _WHY, assumed.OPTIONS[1:] if fixed else assumed.OPTIONS))


def _image_shape(program: "torch.export.ExportedProgram", path: Path) -> list[Any]:
    """The shape ``[n, 3, S, S]`` of the one input, or that of a grey one, ``[n, 1, S, S]``; a free
    dimension is no int."""
    names = program.graph_signature.user_inputs
    values = {node.name: node.meta.get("val") for node in program.graph.nodes}
    shapes = [list(values[name].shape) for name in names
              if isinstance(values.get(str(name)), torch.Tensor)]
    if len(names) != 1 or len(shapes) != 1 or len(shapes[0]) != 4 or (
            shapes[0][1] not in (1, 3)):
        raise ZslError(f"{path}: its inputs are {shapes}, and one image tensor [n, 3, S, S] is "
                       "wanted")
    return shapes[0]


def _rows(script: Any, example: Tensor) -> int | None:
    """For how many images a program gives something, of several; None where that is not to be
    seen."""
    with torch.inference_mode():
        output = script(example)
    return len(output) if isinstance(output, Tensor) and output.ndim > 1 else None


def _runs(script: Any, example: Tensor) -> bool:
    try:
        _rows(script, example)
    except Exception:  # as it does not
        return False
    return True


def _in_float32(script: "torch.jit.ScriptModule") -> tuple[str, ...]:
    """Turn a program of half precision into one of float32, and say so."""
    kinds = {str(value.dtype).removeprefix("torch.") for value in script.state_dict().values()
             if value.dtype in _HALF}
    if not kinds:
        return ()
    script.float()
    return (f"its weights are in half precision ({', '.join(sorted(kinds))}): taken as float32",)


def _as_graph(script: "torch.jit.ScriptModule", size: int, path: Path, *, sized: bool,
              traced: bool = False) -> nn.Module:
    """TorchScript as a graph of ATen operators, in which features can be found."""
    from torch._export.converter import TS2EPConverter

    from zsl_cli.authoring.networks.quietly import quietly

    example = torch.zeros(2, 3, size, size)
    try:
        rows = _rows(script, example)
    except Exception as error:
        why = reason(error, -1)
        for batch in _OTHER_BATCHES:
            if _runs(script, torch.zeros(batch, 3, size, size)):
                raise ZslError(f"{path}: {_FROZEN.format(batch)} (with two: {why})") from error
        if any(name in why for name in _HALF_NAMES):
            raise ZslError(f"{path}: its code says in places that it computes in half precision "
                           f"({why}); save it in float32, after the network's float()") from error
        raise ZslError(f"{path}: it does not run on [2, 3, {size}, {size}]: {why}"
                       + ("; it may be for another `size`" if sized else "; give its `size`")
                       ) from error
    if rows == 2 and not _runs(script, torch.zeros(3, 3, size, size)):
        raise ZslError(f"{path}: {_FROZEN.format(2)}")
    if rows not in (2, None):
        raise ZslError(f"{path}: {_FROZEN.format(rows)} (for two images it gives {rows})")
    try:
        with quietly():
            return TS2EPConverter(script.eval(), (example,)).convert().module()
    except Exception as error:  # the converter knows most of TorchScript, not all
        if traced is False:
            with quietly(), torch.inference_mode():
                again = torch.jit.trace(script, example, check_trace=False)
            return _as_graph(again, size, path, sized=sized, traced=True)
        raise ZslError(f"{path}: this TorchScript cannot be converted ({reason(error)}); save "
                       "it with torch.export.save instead") from error
