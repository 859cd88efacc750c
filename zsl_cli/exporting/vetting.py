"""Programs of torch.export and of TorchScript, loaded without running code that they bring.

``torch.export.load`` trusts its file. In torch 2.13 the file's own code can run through pickles
(weights, constants, example inputs), compiled libraries, sympy's ``eval`` of shape expressions,
operators found by name from ``torch``, ``operator`` and ``math``, names that are pasted into the
Python source of the graph, the import of a module that a container's description names, and the
guards. Here every string of such a file is held against a rule for its place, and a string in a
place without a rule is refused. What remains can still compute at length or fill the memory.

The TorchScript interpreter has no Python, but its operators write and open files, already while
a module is loaded (``__setstate__``, default arguments): those are refused by name.

A file is vetted and loaded through one open handle: one put in its place meanwhile is not seen,
one rewritten in place would be.
"""

import ast
import io
import json
import logging
import math
import os
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Literal

import torch
from torch.utils import _pytree

from zsl_cli.errors import ZslError

_PROGRAM = "an exported program (torch.export)"
_SCRIPT = "a TorchScript module"
_MODEL = "models/model.json"
_EXAMPLES = "data/sample_inputs/model.pt"
_PAYLOADS = {"data/weights/": "data/weights/model_weights_config.json",
             "data/constants/": "data/constants/model_constants_config.json"}
_OBJECT_PREFIXES = ("custom_obj_", "opaque_obj_")  # unpickled whatever their configuration says
_SHOWN = 80  # how many characters of a file's own text a message shows


class _UnsafeError(Exception):
    """Something through which a file's own code could run; the text completes "the file …"."""


def kind_of(path: Path) -> Literal["program", "torchscript", "other"]:
    """What ``torch.export.save`` or ``torch.jit.save`` wrote, told by the names of an archive's
    entries; "other" for a plain ``torch.save``, and for a file that is missing or damaged."""
    try:
        names = torch._C.PyTorchFileReader(str(path)).get_all_records()
    except Exception:  # it is no such archive, in one of many ways
        return "program" if _has_old_layout(path) else "other"
    if "archive_format" in names:
        return "program"
    return "torchscript" if "constants.pkl" in names else "other"  # as torch.load tells them


def load_program(path: Path, *, trust: bool = False) -> torch.export.ExportedProgram:
    """The program that ``torch.export.save`` wrote, without its guards: its ``module()`` checks
    the shapes of its inputs, and nothing that the file says in Python. ``trust`` takes any file,
    guards and all.

    Raises ZslError for a file that is missing, damaged, or could run code of its own.
    """
    with _reading(path, _PROGRAM):
        if trust:
            return torch.export.load(path)
        if _has_old_layout(path):
            raise ZslError(f"{path}: {_PROGRAM} in an older layout, which zsl does not read; "
                           f"save it again with a newer torch")
        with path.open("rb") as file, _weights_only():
            _vet_program(torch._C.PyTorchFileReader(file))
            file.seek(0)  # a reader starts where the file is
            # Not torch.export.load: when this fails, it tries the old layout on the same file.
            from torch.export.pt2_archive._package import load_pt2

            program = load_pt2(file).exported_programs["model"]
        program._guards_code = []
        return program


def load_torchscript(path: Path, *, trust: bool = False) -> torch.jit.ScriptModule:
    """The module that ``torch.jit.save`` wrote, on the CPU; ``trust`` takes any file.

    Raises ZslError for a file that is missing, damaged, or could open or write files.
    """
    with _reading(path, _SCRIPT), path.open("rb") as file:
        if not trust:
            _vet_script(torch._C.PyTorchFileReader(file))
            file.seek(0)
        return torch.jit.load(file, map_location="cpu")


@contextmanager
def _reading(path: Path, what: str) -> Iterator[None]:
    """Silence for torch's warnings and logs, and a ZslError for whatever goes wrong."""
    if not path.is_file():
        raise ZslError(f"{path}: no such file")
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ZslError:
        raise
    except _UnsafeError as found:
        raise ZslError(f"{path}: {found}, and zsl runs no code from a checkpoint; if you trust "
                       f"the file, give --trust-pickle") from found
    except ImportError as error:
        raise ZslError(f"{path}: {what} needs a newer torch than {torch.__version__}: "
                       f"{error}") from error
    except Exception as error:  # a damaged archive fails in as many ways as it has bytes
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ZslError(f"{path}: cannot be read as {what}: {_shown(lines[0], 200)}") from error
    finally:
        logging.disable(disabled)


@contextmanager
def _weights_only() -> Iterator[None]:
    """Hold every torch.load to weights_only=True, the one of torch.export that asks for False
    among them: should the vetting overlook a pickle, torch still refuses it."""
    names = ("TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD")
    before = {name: os.environ.pop(name, None) for name in names}
    os.environ[names[0]] = "1"
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def _has_old_layout(path: Path) -> bool:
    """Whether a file has the layout of torch 2.7 and earlier."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "serialized_exported_program.json" in archive.namelist()
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile):
        return False


def _shown(text: str, length: int = _SHOWN) -> str:
    """A file's own text, short and fit for a terminal."""
    text = "".join(c if c.isprintable() else "?" for c in text[:length + 1])
    return text if len(text) <= length else text[:length - 1] + "…"


# The archive of torch.export

def _vet_program(reader: Any) -> None:
    from torch._export.serde import schema
    from torch._export.serde.serialize import _bytes_to_dataclass

    names = _entry_names(reader)
    for name in names:
        if name.casefold().startswith("data/aotinductor/"):
            raise _UnsafeError(f"holds compiled code ({_shown(name)})")
        # torch loads every program of the archive, not only the one that is asked for.
        if name.startswith("models/") and name != _MODEL:
            raise _UnsafeError(f"holds another program than the one to load ({_shown(name)})")
    for folder, config in _PAYLOADS.items():
        legacy = folder + "model.pt"
        if legacy in names:
            _check_pickle(reader.get_record(legacy), legacy)
        if config in names:
            payloads = _bytes_to_dataclass(schema.PayloadConfig, reader.get_record(config))
            for payload in payloads.config.values():
                if payload.use_pickle or payload.path_name.startswith(_OBJECT_PREFIXES):
                    raise _UnsafeError(
                        f"holds pickled objects ({_shown(folder + payload.path_name)})")
            _check(payloads, "")
    _check_pickle(reader.get_record(_EXAMPLES), _EXAMPLES)
    _check(_bytes_to_dataclass(schema.ExportedProgram, reader.get_record(_MODEL)), "")


def _entry_names(reader: Any) -> list[str]:
    """An archive's entries. Its reader ignores case: of two names that differ in nothing else,
    or in nothing at all, the one that is vetted need not be the one that is loaded."""
    names: list[str] = reader.get_all_records()
    folded: set[str] = set()
    for name in names:
        if name.casefold() in folded:
            raise _UnsafeError(f"has two entries of one name ({_shown(name)})")
        folded.add(name.casefold())
    return names


def _check_pickle(data: bytes, entry: str) -> None:
    """Raise unless torch.load takes the pickle with weights_only=True (torch.export, when that
    fails, loads it without)."""
    if not data:
        return
    try:
        loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise _UnsafeError(f"holds pickled objects ({entry})") from error
    _check_keys(loaded, entry)


def _check_keys(value: Any, entry: str) -> None:
    """Raise unless the dictionaries in a value have keys that may stand in the guards' code."""
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, int):
                _check_path(key, entry)
    if isinstance(value, list | tuple | dict):
        for child in value.values() if isinstance(value, dict) else value:
            _check_keys(child, entry)


def _check(value: Any, place: str) -> None:
    """Hold every string under a dataclass of torch's schema against the rule of its place,
    ``Class.field``; a dictionary's keys are in the place of the dictionary."""
    if isinstance(value, str):
        rule = _RULES.get(place)
        if rule is None:
            raise _UnsafeError(f"has text where zsl knows of none ({place}: {_shown(value)})")
        rule(value, place)
    elif isinstance(value, list):
        for item in value:
            _check(item, place)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check(key, place)
            _check(item, place)
    elif hasattr(value, "__dataclass_fields__"):
        kind = type(value).__name__
        for field, inner in vars(value).items():
            if field != "_type":  # which alternative of a union this is: a field's name
                _check(inner, f"{kind}.{field}")
        if kind == "Node":
            _check_sources(value.metadata.get("source_fn_stack", ""))
        elif kind == "Graph":
            for argument in value.inputs:
                _check_input(argument)


def _check_text(text: str, place: str) -> None:
    """Let any text pass: it is kept, compared or shown, or repr() quotes it in the source."""


def _refuse_object(text: str, place: str) -> None:
    raise _UnsafeError(f"holds an object of the class {_shown(text)} ({place})")


def _check_name(text: str, place: str) -> None:
    """Raise unless text is a name: it is pasted into Python source."""
    if not re.fullmatch(r"[A-Za-z_]\w*", text, re.ASCII):
        raise _UnsafeError(f"gives as a name what is not one ({place}: {_shown(text)})")


def _check_name_or_nothing(text: str, place: str) -> None:
    if text:
        _check_name(text, place)


def _check_path(text: Any, place: str) -> None:
    """Raise unless text can stand between quotes in Python source, and as a path of attributes
    reaches nothing of Python's own."""
    if not isinstance(text, str) or not text.isprintable() or set(text) & set("\"'\\"):
        raise _UnsafeError(f"gives as a name what is not one ({place}: {_shown(str(text))})")
    if any(re.fullmatch("__.*__", part) for part in text.split(".")):
        raise _UnsafeError(f"reaches into Python itself ({place}: {_shown(text)})")


def _check_input(argument: Any) -> None:
    """Raise for a constant input that is text not fit for quotes: the guards compare with it."""
    if argument.type == "as_string":
        _check_path(argument.as_string, "Graph.inputs")


def _check_sources(stack: str) -> None:
    """Raise when a function that a node says it comes from is sought in Python itself, or by
    code that extends torch.export."""
    for item in stack.split(";"):
        target = item.rpartition(",")[2]
        if target.startswith("#"):
            raise _UnsafeError(f"needs an extension of torch.export ({_shown(target)})")
        if target.startswith(("torch", "_operator", "math")):
            _check_path(target, "Node.metadata")


def _check_inputs_tree(text: str, place: str) -> None:
    """Raise unless the inputs are nested in plain containers with names for keys."""
    _check_tree(json.loads(text), place, _check_name)


def _check_outputs_tree(text: str, place: str) -> None:
    """Raise unless the outputs are nested in plain containers."""
    _check_tree(json.loads(text), place, _check_path)


def _check_tree(tree: Any, place: str, rule: "_Rule") -> None:
    protocol, root = tree
    if protocol != 1:
        raise _UnsafeError(f"describes its inputs in a way that zsl does not know ({place})")
    nodes = [root]
    while nodes:
        node = nodes.pop()
        nodes.extend(node["children_spec"])
        if node["type"] is None:
            continue
        known = _pytree.SERIALIZED_TYPE_TO_PYTHON_TYPE.get(node["type"])
        # A container with a reader of its own for its description may import what that names.
        if known is None or _pytree.SUPPORTED_SERIALIZED_TYPES[known].from_dumpable_context:
            raise _UnsafeError(f"has inputs or outputs in a {_shown(str(node['type']))}")
        keys = json.loads(node["context"])
        if not isinstance(keys, list | None):  # of some objects, torch makes an imported enum
            raise _UnsafeError(f"has inputs or outputs in an odd {_shown(node['type'])}")
        for key in keys or ():
            if not isinstance(key, int):
                rule(str(key), place)


_SYMBOL = r"(?:s|u|zf|zuf|ps|tmp)\d+"  # torch.utils._sympy.symbol.prefix_str
_ARITHMETIC = {
    # sympy's own, as its srepr() writes them
    "Symbol", "Integer", "Rational", "Float", "Add", "Mul", "Pow", "Max", "Min", "Abs", "floor",
    "ceiling", "Equality", "Unequality", "LessThan", "GreaterThan", "StrictLessThan",
    "StrictGreaterThan", "Eq", "Ne", "Le", "Ge", "Lt", "Gt", "And", "Or", "Not", "Xor", "ITE",
    # torch.utils._sympy.functions
    "FloorDiv", "ModularIndexing", "Where", "PythonMod", "Mod", "CleanDiv", "CeilToInt",
    "FloorToInt", "CeilDiv", "IntTrueDiv", "FloatTrueDiv", "LShift", "RShift",
    "IsNonOverlappingAndDenseIndicator", "TruncToFloat", "TruncToInt", "RoundToInt", "RoundDecimal",
    "ToFloat", "FloatPow", "PowByNatural", "Identity"}
_CONSTANTS = {"true", "false", "oo", "int_oo", "nan", "pi", "E"}
_TEXTS = {"Symbol": _SYMBOL, "Integer": r"-?\d+", "Float": r"-?\d+(?:\.\d*)?(?:e[+-]?\d+)?"}
_SYNTAX = (ast.Expression, ast.Load, ast.operator, ast.unaryop, ast.cmpop, ast.boolop,
           ast.BinOp, ast.UnaryOp, ast.Compare, ast.BoolOp)


def _check_expression(text: str, place: str) -> None:
    """Raise unless text is arithmetic on shapes: sympy evaluates it as Python.

    A string among the arguments of a function would be evaluated in its turn, so there is one
    only where a symbol or a number is made of it.
    """
    try:
        if not text.isascii() or not text.isprintable():
            raise ValueError
        nodes: list[ast.AST] = [ast.parse(text, mode="eval")]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _UnsafeError(f"has a shape that is no expression ({_shown(text)})") from None
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            harmless = name in _ARITHMETIC
            nodes.extend(node.args[1:] if _is_made_of_text(name, node.args) else node.args)
            nodes.extend(option.value for option in node.keywords)
        elif isinstance(node, ast.Name):
            harmless = (node.id in _CONSTANTS
                        or re.fullmatch(_SYMBOL, node.id, re.ASCII) is not None)
        elif isinstance(node, ast.Constant):
            harmless = node.value is None or isinstance(node.value, bool | int | float)
        else:
            harmless = isinstance(node, _SYNTAX)
            nodes.extend(ast.iter_child_nodes(node))
        if not harmless:
            raise _UnsafeError(f"has a shape that is more than arithmetic ({_shown(text)})")


def _is_made_of_text(function: str, arguments: list[ast.expr]) -> bool:
    """Whether the first argument is text of which a function makes a symbol or a number."""
    first = arguments[0] if arguments else None
    return (function in _TEXTS and isinstance(first, ast.Constant) and isinstance(first.value, str)
            and re.fullmatch(_TEXTS[function], first.value, re.ASCII) is not None)


_NAMESPACES = ("aten", "prims", "torchvision")
_HIGHER_ORDER = {"cond", "while_loop", "map_impl", "scan", "associative_scan", "out_dtype",
                 "wrap_with_set_grad_enabled", "wrap_with_autocast", "strict_mode",
                 "auto_functionalized", "auto_functionalized_v2"}
_FUNCTIONS = {f"_operator.{name}" for name in (
    "eq", "ne", "le", "ge", "lt", "gt", "neg", "pos", "abs", "not_", "mul", "add", "sub",
    "floordiv", "mod", "pow", "truediv", "and_", "or_", "xor", "invert", "lshift", "rshift",
    "getitem")} | {
    f"math.{name}" for name in vars(math) if not name.startswith("_")}


def _check_target(text: str, place: str) -> None:
    """Raise unless text names an operator that computes, and does not open files."""
    if text in _FUNCTIONS or re.fullmatch(r"torch\._?sym_[a-z0-9_]+", text, re.ASCII):
        return
    namespace, _, name = text.removeprefix("torch.ops.").partition(".")
    if text.startswith("torch.ops.higher_order.") and name in _HIGHER_ORDER:
        return
    parts = name.split(".")
    if not text.startswith("torch.ops.") or namespace not in _NAMESPACES or len(parts) != 2:
        raise _UnsafeError(f"calls {_shown(text)}, which is no operator that zsl knows")
    try:
        operator = getattr(getattr(getattr(torch.ops, namespace), parts[0]), parts[1])
    except AttributeError:
        raise RuntimeError(f"the operator {_shown(text)} is not installed") from None
    if not isinstance(operator, torch._ops.OpOverload):
        raise _UnsafeError(f"calls {_shown(text)}, which is no operator")
    if _opens_files(operator._schema):
        raise _UnsafeError(f"calls {_shown(text)}, which opens files")


def _opens_files(schema: Any) -> bool:
    """Whether an operator takes the name of a file (of torch's own, from_file and save do)."""
    return any(argument.name in ("filename", "file", "path", "url")
               and "str" in str(argument.type) for argument in schema.arguments)


_Rule = Callable[[str, str], None]

_RULES: dict[str, _Rule] = {
    "Argument.as_operator": _check_target,
    "Argument.as_string": _check_text,
    "Argument.as_string_to_argument": _check_name,
    "Argument.as_strings": _check_text,
    "ConstantValue.as_string": _check_path,
    "CustomObjArgument.class_fqn": _refuse_object,
    "CustomObjArgument.name": _refuse_object,
    "Device.type": _check_name,
    "ExportedProgram.guards_code": _check_text,  # load_program drops it
    "ExportedProgram.opset_version": _check_text,
    "ExportedProgram.range_constraints": _check_expression,
    "ExportedProgram.torch_version": _check_text,
    "ExportedProgram.verifiers": _check_name_or_nothing,
    "Graph.custom_obj_values": _refuse_object,
    "Graph.sym_bool_values": _check_name,
    "Graph.sym_float_values": _check_name,
    "Graph.sym_int_values": _check_name,
    "Graph.tensor_values": _check_name,
    "GraphArgument.name": _check_name,
    "GraphModule.metadata": _check_text,
    "GraphModule.treespec_namedtuple_fields": _check_text,
    "InputToBufferSpec.buffer_name": _check_path,
    "InputToConstantInputSpec.name": _check_name,
    "InputToCustomObjSpec.custom_obj_name": _refuse_object,
    "InputToParameterSpec.parameter_name": _check_path,
    "InputToTensorConstantSpec.tensor_constant_name": _check_path,
    "BufferMutationSpec.buffer_name": _check_path,
    "GradientToParameterSpec.parameter_name": _check_path,
    "GradientToUserInputSpec.user_input_name": _check_name,
    "ParameterMutationSpec.parameter_name": _check_path,
    "UserInputMutationSpec.user_input_name": _check_name,
    "ModuleCallEntry.fqn": _check_path,
    "ModuleCallSignature.forward_arg_names": _check_name,
    "ModuleCallSignature.in_spec": _check_inputs_tree,
    "ModuleCallSignature.out_spec": _check_outputs_tree,
    "NamedArgument.name": _check_name_or_nothing,
    "NamedTupleDef.field_names": _check_name,
    "Node.metadata": _check_text,
    "Node.name": _check_name,
    "Node.target": _check_target,
    "PayloadConfig.config": _check_path,
    "PayloadMeta.path_name": _check_text,
    "SymBoolArgument.as_name": _check_name,
    "SymExpr.expr_str": _check_expression,
    "SymFloatArgument.as_name": _check_name,
    "SymIntArgument.as_name": _check_name,
    "TensorArgument.name": _check_name,
    "TokenArgument.name": _check_name,
}


# The archive of TorchScript

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


def _vet_script(reader: Any) -> None:
    refused = _SCRIPT_REFUSED | {
        schema.name.partition("::")[2] for schema in torch._C._jit_get_all_schemas()
        if _opens_files(schema)}
    for name in _entry_names(reader):
        folded = name.casefold()
        if folded == "model.json":  # a layout of 2019, which names its source files as it likes
            raise _UnsafeError("has an older layout (model.json), which zsl does not read")
        if folded.startswith("code/") and not folded.endswith(".debug_pkl"):
            _check_source(reader.get_record(name).decode("latin-1"), refused, name)
        elif folded.endswith(".pkl"):
            for found in re.findall(rb"torch[.\n]classes[.\n](\w*)", reader.get_record(name)):
                _check_class(found.decode("latin-1"), name)


def _check_class(namespace: str, entry: str) -> None:
    if namespace not in _SCRIPT_CLASSES:
        raise _UnsafeError(f"makes an object of torch.classes.{_shown(namespace)} "
                           f"({_shown(entry)})")


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
            raise _UnsafeError(f"calls {text}, which opens files or connections "
                               f"({_shown(entry)})")
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
            raise _UnsafeError(f"calls operators in a way that zsl cannot follow "
                               f"({_shown(entry)}: {_shown(' '.join([text, *after]))})")


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
