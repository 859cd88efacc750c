"""Programs that would bring code are refused, and nothing of them runs.

Every attack is refused first and then, with the vetting off, seen to work: a test whose attack
is none in the torch at hand says so.
"""

import functools
import json
import pickle
import warnings
import zipfile

import pytest

pytest.importorskip("torch")
pytest.importorskip("torch.export.pt2_archive")

import torch
from exported_programs import (
    EXAMPLES,
    LEAF,
    MODEL,
    Pickled,
    edited,
    old_layout,
    payload,
    python,
    refused,
    rewritten,
    run,
    saved,
    signature,
    size,
)

from zsl_cli.authoring.networks.vetting import load_program

ATTACKS = {}


def attack(*words):
    """Register a change to a program's entries, and words of its refusal."""

    def register(change):
        ATTACKS[change.__name__] = (change, words)
        return change

    return register


@attack("pickled objects", "data/weights/weight_9")
def pickled_weight(entries, marker):
    payload(entries, "weights", "layer.weight",
            lambda meta: meta.update(path_name="weight_9", use_pickle=True))
    entries["data/weights/weight_9"] = saved(Pickled(marker))


@attack("pickled objects", "data/constants/tensor_9")
def pickled_constant(entries, marker):
    payload(entries, "constants", "shift",
            lambda meta: meta.update(path_name="tensor_9", use_pickle=True))
    entries["data/constants/tensor_9"] = saved(Pickled(marker))


@attack("pickled objects", "data/constants/opaque_obj_0")
def opaque_object(entries, marker):  # whatever use_pickle says
    payload(entries, "constants", "shift",
            lambda meta: meta.update(path_name="opaque_obj_0", use_pickle=True))
    entries["data/constants/opaque_obj_0"] = pickle.dumps(Pickled(marker))


@attack("pickled objects", "data/weights/model.pt")
def legacy_weights(entries, marker):
    entries["data/weights/model.pt"] = saved({"layer.weight": Pickled(marker)})


@attack("pickled objects", "data/constants/model.pt")
def legacy_constants(entries, marker):
    entries["data/constants/model.pt"] = saved({"shift": Pickled(marker)})


@attack("pickled objects", EXAMPLES)
def example_inputs(entries, marker):
    entries[EXAMPLES] = saved(((Pickled(marker), "sum"), {}))


@attack("not one", EXAMPLES)
def keys_of_the_example_inputs(entries, marker):
    key = f'" + str({python(marker)}) + "'
    entries[EXAMPLES] = saved((({key: torch.zeros(2, 4)}, "sum"), {}))


def importable(marker, name):
    """Makes a module that makes the marker where it is imported."""
    (marker.parent / f"{name}.py").write_text(f"import os; os.mkdir({str(marker)!r})")


def graph(change):
    """An attack on the program itself, which ``change`` has together with its graph."""

    @functools.wraps(change)
    def wrapped(entries, marker):
        edited(entries, MODEL, lambda model: change(
            model, model["graph_module"]["graph"], marker))

    return wrapped


@attack("more than arithmetic")
@graph
def shape(model, graph, marker):
    size(graph["tensor_values"], python(marker))


@attack("more than arithmetic")
@graph
def text_in_a_shape(model, graph, marker):
    size(graph["tensor_values"], f"Max(1, {python(marker)!r})")


@attack("more than arithmetic")
@graph
def symbol_in_a_shape(model, graph, marker):
    size(graph["tensor_values"], f"Add(Symbol({python(marker)!r} and 's0'), {python(marker)})")


@attack("os.mkdir, which is no operator")
@graph
def operator_found_through_torch(model, graph, marker):
    graph["nodes"][1].update(
        target="torch.ops.higher_order.wrap_with_set_grad_enabled",
        is_hop_single_tensor_return=True, inputs=[
            {"name": "", "arg": {"as_bool": True}, "kind": 1},
            {"name": "", "arg": {"as_operator": "torch.serialization.os.mkdir"}, "kind": 1},
            {"name": "", "arg": {"as_string": str(marker)}, "kind": 1}])


@attack("from_file", "opens files")
@graph
def file_made_by_an_operator(model, graph, marker):
    graph["nodes"][1].update(target="torch.ops.aten.from_file.default", inputs=[
        {"name": "filename", "arg": {"as_string": str(marker)}, "kind": 1},
        {"name": "shared", "arg": {"as_bool": True}, "kind": 1},
        {"name": "size", "arg": {"as_int": 4}, "kind": 1}])


@attack("TensorArgument.name")
@graph
def name_of_an_input(model, graph, marker):
    text = json.dumps(model).replace('"name": "mode"', '"name": "mode=1"')
    for value in ('"x": {"dtype"', '"name": "x"'):
        text = text.replace(value, value.replace('"x"', json.dumps(f"x={python(marker)}")))
    model.update(json.loads(text))


@attack("PayloadConfig.config")
def name_of_a_parameter(entries, marker):
    importable(marker, "brought_by_name")
    name = 'w", __import__("brought_by_name")) or getattr(self, "w'
    for entry in ("data/weights/model_weights_config.json", MODEL):
        entries[entry] = entries[entry].replace(b'"layer.weight"', json.dumps(name).encode())


@attack("forward_arg_names")
@graph
def name_of_an_argument(model, graph, marker):
    signature(model)["forward_arg_names"] += [f"y={python(marker)}"]


@attack("Graph.inputs")
@graph
def text_as_an_input(model, graph, marker):
    graph["inputs"][-1] = {"as_string": f"' or {python(marker)} or '"}


@attack("a collections.defaultdict")
@graph
def container_that_imports(model, graph, marker):
    importable(marker, "brought_by_default")
    signature(model)["out_spec"] = json.dumps([1, {
        "type": "collections.defaultdict", "children_spec": [LEAF],
        "context": {"default_factory_module": "brought_by_default",
                    "default_factory_name": "os", "dict_context": ["a"]}}])


@attack("out_spec")
@graph
def key_that_imports(model, graph, marker):
    importable(marker, "brought_by_key")
    signature(model)["out_spec"] = json.dumps([1, {
        "type": "builtins.dict", "children_spec": [LEAF], "context": json.dumps(
            [{"__enum__": True, "fqn": "brought_by_key:os", "name": "a"}])}])


@attack("an odd builtins.dict")
@graph
def keys_that_import(model, graph, marker):
    importable(marker, "brought_by_keys")
    signature(model)["in_spec"] = json.dumps([1, {
        "type": "builtins.dict", "children_spec": [LEAF], "context": json.dumps(
            {"__enum__": True, "fqn": "brought_by_keys:os", "name": "a"})}])


@attack("another program", "models/second.json")
def second_program(entries, marker):
    for name in list(entries):
        if "model" in name.rpartition("/")[2]:
            start, _, last = name.rpartition("/")
            entries[f"{start}/{last.replace('model', 'second')}"] = entries[name]
    edited(entries, "models/second.json", lambda model: size(
        model["graph_module"]["graph"]["tensor_values"], python(marker)))


@pytest.mark.parametrize("name", ATTACKS)
def test_a_program_that_brings_code_is_refused(program, tmp_path, marker, monkeypatch, name):
    change, words = ATTACKS[name]
    path = rewritten(program, tmp_path / "bad.pt2", lambda entries: change(entries, marker))
    monkeypatch.syspath_prepend(tmp_path)
    message = refused(load_program, path, *words)
    assert message.endswith("and zsl runs no code from a checkpoint; if you trust the file, give "
                            "`trust_pickle`")
    assert not marker.exists()
    assert run(path, marker)


def leaves(value, path=()):
    """The paths of everything in some JSON that is no object and no list."""
    if isinstance(value, dict | list):
        for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(inner, (*path, key))
    else:
        yield path


def test_code_in_any_place_of_a_program_does_not_run(program, tmp_path, marker):
    code = python(marker)
    texts = [code, f"x={code}", f"' or {code} or '", f'" + str({code}) + "', f"x\n    {code}",
             f'w", {code}) or getattr(self, "w', f"Max(1, {code!r})"]
    model = torch._C.PyTorchFileReader(str(program)).get_record(MODEL)
    for i, path in enumerate(leaves(json.loads(model))):
        changed = json.loads(model)
        functools.reduce(lambda value, key: value[key], path[:-1], changed)[path[-1]] = texts[i % 7]
        entry = {MODEL: json.dumps(changed).encode()}
        bad = rewritten(program, tmp_path / "bad.pt2", lambda entries, entry=entry: entries.update(
            entry))
        run(bad, marker, trust=False)
        assert not marker.exists(), path


def test_guards_are_dropped_not_run(program, tmp_path, marker):
    path = rewritten(program, tmp_path / "guards.pt2", lambda entries: edited(
        entries, MODEL, lambda model: model.update(guards_code=[python(marker)])))
    load_program(path).module()(torch.zeros(2, 4), "sum")
    assert not marker.exists()
    assert run(path, marker)


def test_the_older_layout_is_refused(tmp_path, marker):
    path = old_layout(tmp_path / "old.pt2", saved({"layer.weight": Pickled(marker)}))
    refused(load_program, path, "older layout", "save it again with a newer torch")
    assert not marker.exists()
    assert run(path, marker)


def test_two_entries_of_one_name_are_refused(program, tmp_path, marker):
    bad = rewritten(program, tmp_path / "bad.pt2", lambda entries: shape(entries, marker))
    paths = []
    for name in (MODEL, MODEL.upper()):
        for order in (1, -1):
            path = tmp_path / f"{len(paths)}.pt2"
            with zipfile.ZipFile(program) as good, zipfile.ZipFile(bad) as evil:
                entries = [(entry, good.read(entry)) for entry in good.namelist()]
                entries.append((f"small/{name}", evil.read(f"bad/{MODEL}")))
            with zipfile.ZipFile(path, "w") as both, warnings.catch_warnings():
                warnings.simplefilter("ignore")  # zipfile's own, of the second name
                for entry, data in entries[::order]:
                    both.writestr(entry, data)
            refused(load_program, path, "two entries of one name")
            paths.append(path)
    assert not marker.exists()
    assert any(run(path, marker) for path in paths)


@pytest.mark.parametrize("change", [
    lambda entries: entries.update({"data/aotinductor/model/a.so": b"code"}),
    lambda entries: payload(entries, "constants", "shift",
                            lambda meta: meta.update(path_name="custom_obj_0")),
    lambda entries: edited(entries, MODEL, lambda model: model["range_constraints"].update(
        {"exit()": {"min_val": 1, "max_val": None}})),
    lambda entries: edited(entries, MODEL, lambda model: model["range_constraints"].update(
        {"s1": {"min_val": "exit()", "max_val": None}})),
    lambda entries: edited(entries, MODEL, lambda model: model["graph_module"]["graph"]["nodes"][
        0].update(target="#extension:operator")),
    lambda entries: edited(entries, MODEL, lambda model: model["graph_module"]["graph"]["nodes"][
        0].update(target="torch.ops.aten.__init__.__globals__")),
    lambda entries: edited(entries, MODEL, lambda model: model["graph_module"]["graph"]["nodes"][
        0]["metadata"].update(source_fn_stack="linear,torch.nn.__builtins__")),
    lambda entries: edited(entries, MODEL, lambda model: model["graph_module"]["graph"][
        "custom_obj_values"].update(x={"name": "x", "class_fqn": "c10d.Store"})),
    lambda entries: edited(entries, MODEL, lambda model: signature(model).update(
        in_spec=json.dumps([2, LEAF]))),
], ids=["library", "object", "range", "bound", "extension", "attribute", "source", "class",
        "protocol"])
def test_what_could_bring_code_is_refused(program, tmp_path, change):
    path = rewritten(program, tmp_path / "bad.pt2", change)
    refused(load_program, path, "zsl runs no code from a checkpoint")


def test_an_operator_that_is_not_installed_is_named(program, tmp_path):
    path = rewritten(program, tmp_path / "nms.pt2", lambda entries: edited(
        entries, MODEL, lambda model: model["graph_module"]["graph"]["nodes"][0].update(
            target="torch.ops.torchvision.no_such_operator.default")))
    refused(load_program, path, "torch.ops.torchvision.no_such_operator.default is not installed")
