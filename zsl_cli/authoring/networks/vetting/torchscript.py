"""Whether an archive of TorchScript could open files or call what is not TorchScript."""

import pickletools
import re
from typing import Any

import torch

from zsl_cli.authoring.networks.vetting.unsafe import UnsafeError, entry_names, opens_files
from zsl_cli.support.wording import shown

_SCRIPT_NAMESPACES = {"aten", "prim", "quantized", "_quantized", "mkldnn", "mkldnn_prepacked",
                      "onednn", "prepacked", "torchvision"}
_SCRIPT_CLASSES = {"quantized", "rnn", "sparse", "mkldnn", "xnnpack"}
_SCRIPT_REFUSED = {"save", "from_file", "rpc_async", "rpc_sync", "rpc_remote"}
_TOKEN = re.compile(r"""
    (?P<skipped>\s+ | \\\n | \#\ type: | \#[^\n]*)
  | (?P<string>'''(?:\\.|[^\\])*?''' | \"""(?:\\.|[^\\])*?\"""
             | '(?:\\.|[^'\\\n])*' | "(?:\\.|[^"\\\n])*")
  | (?P<name>[A-Za-z_]\w*)
  | (?P<mark>.)
""", re.VERBOSE | re.DOTALL | re.ASCII)  # as torch/csrc/jit/frontend/lexer.h reads its source


def vet_script(reader: Any) -> None:
    """Raise UnsafeError for an archive (a ``PyTorchFileReader``) whose TorchScript could open
    files."""
    refused = _SCRIPT_REFUSED | {
        schema.name.partition("::")[2] for schema in torch._C._jit_get_all_schemas()
        if opens_files(schema)}
    for name in entry_names(reader):
        folded = name.casefold()
        if folded == "model.json":  # a layout of 2019, which names its source files as it likes
            raise UnsafeError("has an older layout (model.json), which zsl does not read")
        if folded.startswith("code/") and not folded.endswith(".debug_pkl"):
            _check_source(reader.get_record(name).decode("latin-1"), refused, name)
        elif folded.endswith(".pkl"):
            for namespace in re.findall(rb"torch[.\n]classes[.\n](\w*)", reader.get_record(name)):
                _check_class(namespace.decode("latin-1"), name)
        if folded.endswith("pkl"):
            _check_memo(reader.get_record(name), name)


def _check_memo(record: bytes, entry: str) -> None:
    """Raise ValueError for a pickle that would fill the memory: libtorch makes room for texts as
    long, and for as many things to come back to, as a pickle says that there are."""
    for code, argument, _ in pickletools.genops(record):  # which looks at how long texts are
        if code.name == "LONG_BINPUT" and (argument or 0) > len(record):
            raise ValueError(f"{shown(entry)} is damaged")


def _check_class(namespace: str, entry: str) -> None:
    if namespace not in _SCRIPT_CLASSES:
        raise UnsafeError(f"makes an object of torch.classes.{shown(namespace)} "
                           f"({shown(entry)})")


def _check_source(source: str, refused: set[str], entry: str) -> None:
    """Raise for TorchScript source that calls an operator which opens files or connections, or
    takes hold of ``torch`` or ``ops`` in a way that hides which operator it calls."""
    tokens = [(match.lastgroup, match.group()) for match in _TOKEN.finditer(source)
              if match.lastgroup != "skipped"]
    texts = [text for _, text in tokens] + [""] * 4
    for i, (kind, text) in enumerate(tokens):
        if kind != "name":
            continue
        attribute = i > 0 and texts[i - 1] == "."
        after = texts[i + 1:i + 5]
        hidden = False
        if text in refused:
            raise UnsafeError(f"calls {text}, which opens files or connections "
                               f"({shown(entry)})")
        if text == "getattr":
            hidden = not _is_plain_getattr(tokens, i + 1, refused)
        elif text == "__annotations__":  # declares the attributes whose names are no names
            hidden = after[0] != "[" or _plain_string(after[1]) is None
        elif text == "ops" and not attribute:
            hidden = after[0] != "." or after[1] not in _SCRIPT_NAMESPACES or after[2] != "."
        elif text in ("torch", "__torch__") and (not attribute or texts[i - 2] == "__torch__"):
            hidden = after[0] != "." or after[1] == "autograd"  # of torch, another name for it
        elif text == "classes" and attribute and texts[i - 2] == "torch":
            _check_class(after[1] if after[0] == "." else "", entry)
        if hidden:
            raise UnsafeError(f"calls operators in a way that zsl cannot follow "
                               f"({shown(entry)}: {shown(' '.join([text, *after]))})")


def _is_plain_getattr(tokens: list[tuple[str | None, str]], start: int,
                      refused: set[str]) -> bool:
    """Whether the second argument of a call is one plain string, and not refused; ``start``: of
    the call's parentheses."""
    depth, argument, second = 0, 0, []
    for i in range(start, len(tokens)):
        kind, text = tokens[i]
        if kind == "mark" and text in "([{":
            depth += 1
        elif kind == "mark" and text in ")]}":
            depth -= 1
        elif text == "," and depth == 1:
            argument += 1
        elif argument == 1:
            second.append(text)
        if depth == 0:
            break
    name = _plain_string(second[0]) if len(second) == 1 else None
    return name is not None and name not in refused


def _plain_string(token: str) -> str | None:
    """What stands in a string that is spelt as it reads, and could stand between other quotes:
    a conversion to torch.export pastes the names of attributes into Python source."""
    match = re.fullmatch(r"""(["'])([^"'\\]*)\1""", token)
    return match[2] if match else None
