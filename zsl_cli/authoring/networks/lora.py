"""LoRA (Hu et al., 2021) that PEFT has saved, merged into the weights that it was trained beside:
``W + scale * B A``. What changes a network in any other way is refused."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from zsl_cli.authoring.networks import configurations, weights
from zsl_cli.errors import ZslError
from zsl_cli.support.wording import listed, shown

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_BEFORE = "base_model.model."
_HALF = re.compile(r"(.+)\.lora_([AB])\.weight")
_FOREIGN = re.compile(r"(^|\.)(lora_|vera_|hada_|base_layer\.|original_module\.)")
_SIMPLE = re.compile(r"[\w.\\^$]{1,200}")  # a pattern that is found, or not, at once
_UNDERSTOOD = frozenset({"peft_type", "r", "lora_alpha", "rank_pattern", "alpha_pattern",
                         "use_rslora", "modules_to_save", "bias", "init_lora_weights"})
_WITHOUT_EFFECT = frozenset({  # on what is merged: where it was put, and how it was trained
    "auto_mapping", "base_model_name_or_path", "revision", "task_type", "inference_mode",
    "peft_version", "target_modules", "exclude_modules", "layers_to_transform", "layers_pattern",
    "lora_dropout", "megatron_core", "qalora_group_size", "eva_config"})
_STARTS = (True, False, None, "gaussian", "eva", "orthogonal")
"""``init_lora_weights`` that leave the other weights as they were; PiSSA's and others do not."""


@dataclass(frozen=True)
class Update:
    """A low-rank change of a weight ``[out, in, …]``: ``a`` ``[r, in, …]``, ``b``
    ``[out, r, …]``, all further sides of b being 1."""

    a: Tensor
    b: Tensor
    scale: float

    def over(self, weight: Tensor) -> Tensor | None:
        """The changed weight in float32; None where they do not fit."""
        a, b = self.a.float().flatten(1), self.b.float().flatten(1)
        if b.shape[1] != len(a) or (len(b), *self.a.shape[1:]) != weight.shape:
            return None
        return weight.float() + (self.scale * b @ a).reshape(weight.shape)


@dataclass(frozen=True)
class Lora:
    """An adapter.

    folder: of PEFT. updates: by the path of their layer.
    whole: tensors that were trained as a whole, by their names: a head, or biases.
    base: the class of the network that it was trained beside, where that is said.
    """

    folder: Path
    updates: Mapping[str, Update]
    whole: Mapping[str, Tensor]
    base: str | None = None

    @property
    def files(self) -> tuple[Path, ...]:
        """What it was read from."""
        return self.folder / CONFIG, self.folder / WEIGHTS

    def is_for(self, tensors: Mapping[str, Tensor]) -> bool:
        """Whether every weight that it changes is among these."""
        return all(f"{path}.weight" in tensors for path in self.updates)

    def merged(self, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """All tensors, changed. Raises ZslError where it changes what is not there."""
        if missing := [path for path in self.updates if f"{path}.weight" not in tensors]:
            raise ZslError(f"{self.folder}: the adapter is for another network: of the layers that "
                           f"it changes {len(missing)} are not there: {listed(missing, 3)}")
        result = {**tensors, **self.whole}
        for path, update in self.updates.items():
            weight = tensors[f"{path}.weight"]
            changed = update.over(weight)
            if changed is None:
                raise ZslError(f"{self.folder}: the adapter is for another network: {path} is "
                               f"{list(weight.shape)} there, and it is for "
                               f"{[*update.b.shape[:1], *update.a.shape[1:]]}")
            result[f"{path}.weight"] = changed
        return result


def into(checkpoint: weights.Weights, folder: Path | None) -> weights.Weights:
    """Weights with the adapter of a folder merged into them, if there is one. Raises ZslError."""
    if folder is None:
        return checkpoint
    adapter = read(folder)
    return weights.Weights(
        checkpoint.path, (*checkpoint.files, *adapter.files), adapter.merged(checkpoint.tensors),
        checkpoint.facts, notes=(*checkpoint.notes, note(adapter)))


def note(adapter: Lora) -> str:
    """What was done, for people."""
    heads = f", and {len(adapter.whole)} tensors taken in place of its own" if adapter.whole else ""
    return f"the adapter {adapter.folder.name} is merged into {len(adapter.updates)} layers{heads}"


def read(folder: Path) -> Lora:
    """The LoRA in a folder that PEFT has saved. Raises ZslError for any other adapter."""
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise ZslError(f"{folder}: no {name}, which PEFT writes into the folder of an adapter")
    config = configurations.read(folder / CONFIG)
    _refuse_other(config, folder)
    halves: dict[str, dict[str, Tensor]] = {}
    whole: dict[str, Tensor] = {}
    tensors = weights.read(folder / WEIGHTS).tensors
    weights.refuse_broken(tensors, folder)
    for key, value in tensors.items():
        name = key.removeprefix(_BEFORE).replace(".base_layer.bias", ".bias")
        if found := _HALF.fullmatch(name):
            halves.setdefault(found[1], {})[found[2]] = value
        elif _FOREIGN.search(name):
            raise ZslError(f"{folder}: {shown(key)} is none of the tensors of LoRA that are known; "
                           "merge it with PEFT's merge_and_unload() and save the whole network")
        else:
            whole[name.replace("modules_to_save.", "")] = value
    if not halves or any(len(both) < 2 for both in halves.values()):
        raise ZslError(f"{folder}: no pairs of lora_A and lora_B in it")
    said = config.get("auto_mapping")
    base = said.get("base_model_class") if isinstance(said, dict) else None
    return Lora(folder, {path: _update(path, both, config, folder)
                         for path, both in halves.items()}, whole,
                base if isinstance(base, str) else None)


def _refuse_other(config: dict[str, Any], folder: Path) -> None:
    """Raise ZslError for what changes the weights in another way than the plain one."""
    if config.get("peft_type") != "LORA":
        raise ZslError(f"{folder}: {CONFIG} is of {shown(repr(config.get('peft_type')))}, and LoRA "
                       "alone is merged here; merge it with PEFT's merge_and_unload() and save the "
                       "whole network")
    start = config.get("init_lora_weights")
    odd = [f"{name} {shown(repr(value))}" for name, value in config.items()
           if value and name not in _UNDERSTOOD | _WITHOUT_EFFECT]
    if not any(start is one or start == one for one in _STARTS):
        odd.append(f"init_lora_weights {shown(repr(start))}")
    if odd:
        raise ZslError(f"{folder}: {CONFIG} says {listed(odd, 3)}, which is not merged here; merge "
                       "it with PEFT's merge_and_unload() and save the whole network")


def _update(path: str, both: Mapping[str, Tensor], config: dict[str, Any], folder: Path) -> Update:
    """A layer's change, with the scale that PEFT gives it: alpha / r, of rank-stabilised LoRA
    (Kalajdzievski, 2023) alpha / sqrt(r)."""
    rank = _for(path, config.get("rank_pattern"), config.get("r"))
    alpha = _for(path, config.get("alpha_pattern"), config.get("lora_alpha"))
    if not all(isinstance(one, int | float) and one > 0 for one in (rank, alpha)) or (
            rank != len(both["A"])):
        raise ZslError(f"{folder}: {CONFIG} says r {shown(repr(rank))} and lora_alpha "
                       f"{shown(repr(alpha))} of {shown(path)}, whose rank is {len(both['A'])}")
    scale = alpha / (rank ** 0.5 if config.get("use_rslora") else rank)
    return Update(both["A"], both["B"], scale)


def _for(path: str, patterns: Any, usual: Any) -> Any:
    """The number of a layer: what the first pattern says that its path ends in, or what is usual;
    None where there is a pattern that is not looked for."""
    for pattern, value in (patterns.items() if isinstance(patterns, dict) else ()):
        try:
            if not _SIMPLE.fullmatch(pattern):
                return None
            if re.match(rf"(.*\.)?({pattern})$", path):
                return value
        except re.error:
            return None
    return usual
