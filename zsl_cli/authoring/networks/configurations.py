"""Configurations that come with a checkpoint, held against rules before any library sees them.

Libraries follow what stands in such a file: into other folders, to a hub, to Python that lies
there. Here a text is a plain word, and one in a place that is known for names of files, folders or
repositories is refused, whatever it says; so is what asks for weights from elsewhere. What has no
effect here is passed over.
"""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zsl_cli.authoring.networks import adapters, file_kinds
from zsl_cli.errors import ZslError
from zsl_cli.support.wording import shown

_LARGEST = 1 << 24  # bytes; of a config.json with the names of 20,000 classes, about one million
_DEEPEST = 32
_PLAIN = re.compile(r"[\w +.,()\[\]-]{1,200}|</?\w+>")  # a word or a few, or a special token
_MOST = 10**7  # the largest numbers are those of tokens
_LAYERS = 1000
_DEPTHS = frozenset({"layers", "depth", "depths", "num_hidden_layers", "num_layers"})

_CODE = ("auto_map", "custom_pipelines", "custom_load", "trust_remote_code")
_ELSEWHERE = frozenset({
    "backbone", "checkpoint", "dir", "file", "files", "hub", "name", "path", "pretrained",
    "processor", "quant", "remote", "repo", "tokenizer", "url"})
"""Words of the keys whose values lead somewhere."""

_ASKED_FOR = frozenset({"pretrained", "remote"})
"""Those that may be a question with the answer yes."""

_WITHOUT_EFFECT = frozenset({
    "_name_or_path", "name_or_path", "transformers_version", "tokenizer_class", "processor_class",
    "task_specific_params",
    "id2label", "label2id", "label_names", "label_descriptions", "pretrained_cfg",
    "hf_tokenizer_name", "hf_tokenizer_revision"})
"""What nothing is looked up by here: notes of where it was made, names of classes, what timm would
download, and the tokenizer in whose place a ``tokenizer.json`` is wanted."""


def read(file: Path) -> dict[str, Any]:
    """The object in a JSON file of a checkpoint. Raises ZslError."""
    file_kinds.refuse_pointer(file)
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST + 1)
        if len(content) > _LARGEST:
            raise ZslError(f"{file}: too large for a configuration")
        config = json.loads(content)
    except (OSError, ValueError, RecursionError) as error:
        raise ZslError(f"{file}: not valid JSON ({error})") from error
    if not isinstance(config, dict):
        raise ZslError(f"{file}: an object is expected")
    return config


def vet(config: dict[str, Any], file: Path) -> None:
    """Raise ZslError for a configuration of a network that leads out of its folder, or to code."""
    if quantised := config.get("quantization_config"):
        how = quantised.get("quant_method") if isinstance(quantised, dict) else quantised
        raise ZslError(f"{file}: its weights are quantised ({shown(str(how))}), and those of an "
                       "export are floats; save them so, with transformers' "
                       "model.dequantize().save_pretrained(folder)")
    for keys, value in _leaves(config, file):
        if not value or _WITHOUT_EFFECT & {*keys}:
            continue
        where = shown(".".join(key for key in keys if key))
        if any(key in _CODE for key in keys):
            raise ZslError(f"{file}: {where} is for code of the checkpoint's own, and zsl runs no "
                           "code from a checkpoint")
        if isinstance(value, int) and abs(value) > (_LAYERS if _DEPTHS & {keys[-1]} else _MOST):
            raise ZslError(f"{file}: {where} is {value}, which no network has")
        words = {*keys[-1].lower().split("_")}
        if (value is True and _ASKED_FOR & words) or (isinstance(value, str) and (
                (_ELSEWHERE & words and keys[-1] != "timm_model_name")
                or not _PLAIN.fullmatch(value))):
            raise ZslError(f"{file}: {where}, {shown(repr(value))}, leads out of the folder; zsl "
                           "takes nothing from elsewhere, nor from a hub")


def vet_folder(folder: Path) -> None:
    """The same for what transformers reads in a folder: the configurations of the network and of
    its tokenizer, and the weights that an index names."""
    adapters.refuse_beside(folder)
    if (config := folder / "config.json").is_file():
        vet(read(config), config)
    vet_tokenizer(folder)


def vet_tokenizer(folder: Path) -> None:
    """The same for a folder's tokenizer alone."""
    file = folder / "tokenizer_config.json"
    if not file.is_file():
        return
    config = read(file)
    if any(config.get(name) for name in _CODE):
        raise ZslError(f"{file}: its tokenizer is code of the checkpoint's own, and zsl runs no "
                       "code from a checkpoint; give a tokenizer.json with `tokenizer=FILE`")
    for name, value in config.items():
        if name.endswith(("_file", "_path")) and name not in _WITHOUT_EFFECT and (
                isinstance(value, str) and value and os.path.lexists(value)):
            raise ZslError(f"{file}: {shown(name)}, {shown(repr(value))}, leads out of the folder; "
                           "zsl takes nothing from elsewhere")


def _leaves(value: Any, file: Path, keys: tuple[str, ...] = ("",),
            ) -> Iterator[tuple[tuple[str, ...], Any]]:
    """What is no object and no list, each with the keys above it."""
    if len(keys) > _DEEPEST:
        raise ZslError(f"{file}: nested too deep for a configuration")
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, file, (*keys, key))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, file, keys)
    else:
        yield keys, value
