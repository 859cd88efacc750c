"""Weights from files, without running anything that the files hold."""

from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn

from zsl_cli.errors import ZslError

_SHOWN = 10  # how many keys of a kind a message lists


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a ``.safetensors`` or PyTorch file, ``state_dict``/``model`` and ``module.``
    wrappings taken off. Pickles are read with ``weights_only=True``: tensors and plain
    containers, no code. Raises ZslError."""
    if not path.is_file():
        raise ZslError(f"{path}: no such file")
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise ZslError(f"{path}: holds more than tensors, and zsl runs no code from a "
                       f"checkpoint; save its state_dict() alone") from error
    except Exception as error:  # a damaged archive fails in as many ways as it has bytes
        raise ZslError(f"{path}: cannot be read as a checkpoint: {error}") from error
    while isinstance(state, dict):
        inner = next((state[key] for key in ("state_dict", "model_ema", "model")
                      if isinstance(state.get(key), dict)), None)
        if inner is None:
            break
        state = inner
    if not isinstance(state, dict) or not state or not all(
            isinstance(value, Tensor) for value in state.values()):
        raise ZslError(f"{path}: no state dict in it (a dictionary of tensors is expected)")
    return {key.removeprefix("module."): value for key, value in state.items()}


def load_into(network: nn.Module, state: dict[str, Tensor], source: Path) -> None:
    """Copy a state dict into a network; raises ZslError that lists what does not match."""
    expected = network.state_dict()
    problems = []
    for what, keys in (
            ("missing", [k for k in expected if k not in state]),
            ("unexpected", [k for k in state if k not in expected]),
            ("of another shape", [k for k in expected if k in state
                                  and state[k].shape != expected[k].shape]),
            ("not finite", [k for k in expected if k in state
                            and not torch.isfinite(state[k].float()).all()])):
        if keys:
            more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
            problems.append(f"{len(keys)} {what}: {', '.join(keys[:_SHOWN])}{more}")
    if problems:
        raise ZslError(f"{source}: these weights are not a {type(network).__name__}'s; "
                       + "; ".join(problems))
    network.load_state_dict(state)
    network.eval()
