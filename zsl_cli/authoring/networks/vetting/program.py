"""Whether an archive of torch.export could run code of its own."""

import ast
import io
import json
import math
import re
from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

import torch
from torch.utils import _pytree

from zsl_cli.authoring.networks.vetting.unsafe import UnsafeError, entry_names, opens_files
from zsl_cli.support.wording import shown

_MODEL = "models/model.json"
_EXAMPLES = "data/sample_inputs/model.pt"
_PAYLOADS = {"data/weights/": "data/weights/model_weights_config.json",
             "data/constants/": "data/constants/model_constants_config.json"}
_OBJECT_PREFIXES = ("custom_obj_", "opaque_obj_")  # unpickled whatever their configuration says


def vet_program(reader: Any) -> None:
    """Raise UnsafeError for an archive (a ``PyTorchFileReader``) through which its file could run
    code while torch loads it."""
    from torch._export.serde import schema
    from torch._export.serde.serialize import _bytes_to_dataclass

    names = entry_names(reader)
    for name in names:
        if name.casefold().startswith("data/aotinductor/"):
            raise UnsafeError(f"holds compiled code ({shown(name)})")
        # torch loads every program of the archive, not only the one that is asked for.
        if name.startswith("models/") and name != _MODEL:
            raise UnsafeError(f"holds another program than the one to load ({shown(name)})")
    for folder, config in _PAYLOADS.items():
        legacy = folder + "model.pt"
        if legacy in names:
            _check_pickle(reader.get_record(legacy), legacy)
        if config in names:
            payloads = _bytes_to_dataclass(schema.PayloadConfig, reader.get_record(config))
            for payload in payloads.config.values():
                if payload.use_pickle or payload.path_name.startswith(_OBJECT_PREFIXES):
                    raise UnsafeError(
                        f"holds pickled objects ({shown(folder + payload.path_name)})")
            _check(payloads, "")
    _check_pickle(reader.get_record(_EXAMPLES), _EXAMPLES)
    _check(_bytes_to_dataclass(schema.ExportedProgram, reader.get_record(_MODEL)), "")


def _check_pickle(data: bytes, entry: str) -> None:
    """Raise unless torch.load takes the pickle with weights_only=True (torch.export, when that
    fails, loads it without)."""
    if not data:
        return
    try:
        loaded = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        raise UnsafeError(f"holds pickled objects ({entry})") from error
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
            raise UnsafeError(f"has text where zsl knows of none ({place}: {shown(value)})")
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
    raise UnsafeError(f"holds an object of the class {shown(text)} ({place})")


def _check_name(text: str, place: str) -> None:
    """Raise unless text is a name: it is pasted into Python source."""
    if not re.fullmatch(r"[A-Za-z_]\w*", text, re.ASCII):
        raise UnsafeError(f"gives as a name what is not one ({place}: {shown(text)})")


def _check_name_or_nothing(text: str, place: str) -> None:
    if text:
        _check_name(text, place)


def _check_path(text: Any, place: str) -> None:
    """Raise unless text can stand between quotes in Python source, and as a path of attributes
    reaches nothing of Python's own."""
    if not isinstance(text, str) or not text.isprintable() or set(text) & set("\"'\\"):
        raise UnsafeError(f"gives as a name what is not one ({place}: {shown(str(text))})")
    if any(re.fullmatch("__.*__", part) for part in text.split(".")):
        raise UnsafeError(f"reaches into Python itself ({place}: {shown(text)})")


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
            raise UnsafeError(f"needs an extension of torch.export ({shown(target)})")
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
        raise UnsafeError(f"describes its inputs in a way that zsl does not know ({place})")
    nodes = [root]
    while nodes:
        node = nodes.pop()
        nodes.extend(node["children_spec"])
        if node["type"] is None:
            continue
        known = _pytree.SERIALIZED_TYPE_TO_PYTHON_TYPE.get(node["type"])
        # A container with a reader of its own for its description may import what that names.
        if known is None or _pytree.SUPPORTED_SERIALIZED_TYPES[known].from_dumpable_context:
            raise UnsafeError(f"has inputs or outputs in a {shown(str(node['type']))}")
        keys = json.loads(node["context"])
        if not isinstance(keys, list | None):  # of some objects, torch makes an imported enum
            raise UnsafeError(f"has inputs or outputs in an odd {shown(node['type'])}")
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
        raise UnsafeError(f"has a shape that is no expression ({shown(text)})") from None
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
            raise UnsafeError(f"has a shape that is more than arithmetic ({shown(text)})")


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
        raise UnsafeError(f"calls {shown(text)}, which is no operator that zsl knows")
    try:
        operator = getattr(getattr(getattr(torch.ops, namespace), parts[0]), parts[1])
    except AttributeError:
        raise RuntimeError(f"the operator {shown(text)} is not installed") from None
    if not isinstance(operator, torch._ops.OpOverload):
        raise UnsafeError(f"calls {shown(text)}, which is no operator")
    if opens_files(operator._schema):
        raise UnsafeError(f"calls {shown(text)}, which opens files")


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
