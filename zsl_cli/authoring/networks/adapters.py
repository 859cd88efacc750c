"""Adapters: what was trained beside the weights of a network, which alone is another network."""

import re
from collections.abc import Iterable
from pathlib import Path

from zsl_cli.errors import ZslError
from zsl_cli.support.wording import listed

_FILES = ("adapter_config.json", "adapter_model.safetensors", "adapter_model.bin",
          "pytorch_adapter.bin", "pytorch_lora_weights.safetensors", "pytorch_lora_weights.bin")
"""What PEFT, the library adapters and diffusers write."""

_KEYS = re.compile(
    r"(^|[._])(lora|loha|lokr|hada|vera|oft|boft|ia3|dora|adalora|randlora|waveft)(_\w+)?(\.|$)"
    r"|\.base_layer\.|\.modules_to_save\.|\.original_module\.|(^|\.)(adapters?|adapter_\w+|"
    r"adaptmlp|adaptformer|prompt_embeddings|prefix_encoder|ssf_(scale|shift)\w*)(\.|$)")
_REMEDY = ("merge the two and save the whole network, with PEFT "
           "PeftModel.from_pretrained(network, adapter).merge_and_unload().save_pretrained(folder)"
           "; an export merges a LoRA of PEFT's that lies in a folder of its own, `adapter`")


def refuse_beside(place: Path) -> None:
    """Raise ZslError where there is an adapter in a folder: with the weights of a network that is
    not the one that was trained, or without."""
    there = [name for name in _FILES if (place / name).is_file()]
    if there:
        raise ZslError(f"{place}: an adapter ({listed(there)}), without which the weights are "
                       f"those of another network; {_REMEDY}")


def refuse_among(keys: Iterable[str], source: Path) -> None:
    """Raise ZslError for tensors of an adapter among those that a network has no use for."""
    if found := [key for key in keys if _KEYS.search(key)]:
        raise ZslError(f"{source}: {len(found)} tensors of an adapter ({listed(found, 3)}), "
                       f"without which the weights are those of another network; {_REMEDY}")


def notes_below(folder: Path, given: Path | None = None) -> tuple[str, ...]:
    """A word on adapters in the folders in a folder, which no library applies by itself.

    given: the one that was asked for.
    """
    there = sorted(one.parent.name for one in folder.glob("*/adapter_config.json")
                   if given is None or one.parent.resolve() != given.resolve())
    return (f"the adapter in {listed(there)} is not applied",) if there else ()
