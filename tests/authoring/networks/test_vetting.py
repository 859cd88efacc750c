"""Programs of torch.export and TorchScript: what loads, what is refused, and that nothing runs.

Every attack is refused first and then, with the vetting off, seen to work: a test whose attack
is none in the torch at hand says so.
"""

import contextlib
import functools
import io
import json
import logging
import os
import pickle
import tokenize
import warnings
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("torch.export.pt2_archive")

from zsl_cli.authoring.networks.vetting import kind_of, load_program, load_torchscript  # noqa: E402
from zsl_cli.authoring.networks.vetting import program as rules  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402

MODEL = "models/model.json"
EXAMPLES = "data/sample_inputs/model.pt"
LEAF = {"type": None, "context": None, "children_spec": []}


class Small(torch.nn.Module):
    """A parameter, a buffer that is not kept with it, and an argument that is text."""

    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 2)
        self.register_buffer("shift", torch.ones(2), persistent=False)

    def forward(self, x, mode="sum"):
        y = self.layer(x).relu() + self.shift
        return y * 2 if mode == "sum" else y


class Varied(torch.nn.Module):
    """Attention, a condition, arithmetic on sizes, outputs in containers, odd names."""

    def __init__(self):
        super().__init__()
        self.attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)
        self.layers = torch.nn.ModuleDict({"a b": torch.nn.Linear(8, 8),
                                           "a-b": torch.nn.LayerNorm(8)})

    def forward(self, x, *, scale=1.0):
        y = self.layers["a-b"](self.layers["a b"](self.attention(x, x, x)[0]))
        y = torch.cond(x.shape[0] > 4, lambda t: t.sin(), lambda t: t.cos(), (y,))
        with torch.no_grad():
            z = torch.einsum("nij,nkj->nik", y, y) * scale
        half = x.new_zeros(x.shape[0] // 2 + 3)
        return {"out-put": (y, z), "half": [half, max(x.shape[0], 3)]}


class Stateful(torch.nn.Module):
    """TorchScript that runs code of its own as it is loaded."""

    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.ones(2))

    def forward(self, x):
        return x + self.w

    @torch.jit.export
    def __getstate__(self):
        return self.w, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[torch.Tensor, bool]):
        self.w = state[0]
        self.training = state[1]


class Pickled:
    """Makes a folder where it is unpickled."""

    def __init__(self, marker):
        self.marker = str(marker)

    def __reduce__(self):
        return os.mkdir, (self.marker,)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(scope="module")
def program(folder):
    """A ``.pt2`` file; do not change it."""
    path = folder / "small.pt2"
    torch.export.save(exported(), path)
    return path


@pytest.fixture(scope="module")
def script(folder):
    """A TorchScript file whose module has a ``__setstate__``; do not change it."""
    return scripted(Stateful(), folder / "stateful.ts")


@pytest.fixture
def marker(tmp_path):
    """What exists once a file's own code has run."""
    return tmp_path / "ran"


def exported():
    batch = torch.export.Dim("batch", min=1)
    return torch.export.export(Small().eval(), (torch.zeros(2, 4), "sum"),
                               dynamic_shapes=({0: batch}, None))


def scripted(module, path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.jit.script(module.eval()).save(str(path))
    return path


def rewritten(source, target, change):
    """A copy of an archive, after ``change`` has had a dictionary of its entries in its hands."""
    reader = torch._C.PyTorchFileReader(str(source))
    entries = {name: reader.get_record(name) for name in reader.get_all_records()
               if name != "byteorder" and not name.startswith(".data/")}
    change(entries)
    writer = torch._C.PyTorchFileWriter(str(target))
    for name, data in entries.items():
        writer.write_record(name, data, len(data))
    writer.write_end_of_file()
    return target


def edited(entries, name, change):
    """Change the JSON of an entry."""
    value = json.loads(entries[name])
    change(value)
    entries[name] = json.dumps(value).encode()


def saved(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def python(marker):
    return f'__import__("os").mkdir("{marker}")'


def refused(load, path, *words):
    with pytest.raises(ZslError) as caught:
        load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    for word in words:
        assert word in message
    return message


# What loads

def test_a_program_computes_what_its_module_does(program):
    torch.manual_seed(0)
    loaded = load_program(program)
    assert isinstance(loaded, torch.export.ExportedProgram)
    x = torch.randn(5, 4)
    module = Small().eval()
    module.load_state_dict(loaded.state_dict)
    torch.testing.assert_close(loaded.module()(x, "sum"), module(x, "sum"))


def test_a_program_with_attention_conditions_and_containers_loads(folder):
    path = folder / "varied.pt2"
    module = Varied().eval()
    batch = torch.export.Dim("batch", min=2)
    torch.export.save(torch.export.export(
        module, (torch.randn(6, 3, 8),), {"scale": 2.0},
        dynamic_shapes={"x": {0: batch}, "scale": None}), path)
    x = torch.randn(3, 3, 8)
    found = load_program(path).module()(x, scale=2.0)
    torch.testing.assert_close(found, module(x, scale=2.0))


def test_shapes_are_still_checked_without_the_guards(program):
    loaded = load_program(program)
    with pytest.raises(AssertionError):
        loaded.module()(torch.randn(5, 3), "sum")


@pytest.mark.parametrize("shared", ["state_dict", "constants"])
def test_tensors_in_the_layout_of_torch_2_8_load(program, tmp_path, shared):
    values = getattr(load_program(program), shared)
    directory = {"state_dict": "weights", "constants": "constants"}[shared]
    path = rewritten(program, tmp_path / "legacy.pt2", lambda entries: entries.update(
        {f"data/{directory}/model.pt": saved(dict(values))}))
    loaded = load_program(path)
    assert set(getattr(loaded, shared)) == set(values)


def test_torchscript_loads_from_disk_to_the_cpu(folder):
    module = torch.nn.Sequential(torch.nn.Linear(3, 3), torch.nn.ReLU()).eval()
    path = scripted(module, folder / "sequence.ts")
    x = torch.randn(2, 3)
    torch.testing.assert_close(load_torchscript(path)(x), module(x))


def test_torchscript_with_a_harmless_setstate_loads(script):
    torch.testing.assert_close(load_torchscript(script)(torch.ones(2)), torch.full((2,), 2.0))


def test_kinds_are_told_by_the_entries(program, script, tmp_path):
    for name, write in {
            "tensors.pt": lambda path: torch.save({"a": torch.ones(1)}, path),
            "old.pt": lambda path: torch.save({"a": torch.ones(1)}, path,
                                              _use_new_zipfile_serialization=False),
            "notes.pt2": lambda path: path.write_text("no archive at all"),
            "empty.pt2": lambda path: path.write_bytes(b""),
            "half.pt2": lambda path: path.write_bytes(program.read_bytes()[:2000]),
            "folder.pt2": lambda path: path.mkdir(),
            "missing.pt2": lambda path: None}.items():
        write(tmp_path / name)
        assert kind_of(tmp_path / name) == "other", name
    assert kind_of(program) == "program"
    assert kind_of(script) == "torchscript"
    assert kind_of(old_layout(tmp_path / "layout.pt2", b"")) == "program"


# Programs that are refused

ATTACKS = {}


def attack(*words):
    """Register a change to a program's entries, and words of its refusal."""

    def register(change):
        ATTACKS[change.__name__] = (change, words)
        return change

    return register


def payload(entries, folder, name, change):
    edited(entries, f"data/{folder}/model_{folder}_config.json",
           lambda config: change(config["config"][name]))


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


def graph(change):
    """An attack on the program itself, which ``change`` has together with its graph."""

    @functools.wraps(change)
    def wrapped(entries, marker):
        edited(entries, MODEL, lambda model: change(
            model, model["graph_module"]["graph"], marker))

    return wrapped


def signature(model):
    return model["graph_module"]["module_call_graph"][0]["signature"]


def size(tensor_values, expression):
    tensor_values["x"]["sizes"][0] = {"as_expr": {"expr_str": expression, "hint": None}}


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
    (marker.parent / "brought_by_name.py").write_text(f"import os; os.mkdir({str(marker)!r})")
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
    (marker.parent / "brought_by_default.py").write_text(f"import os; os.mkdir({str(marker)!r})")
    signature(model)["out_spec"] = json.dumps([1, {
        "type": "collections.defaultdict", "children_spec": [LEAF],
        "context": {"default_factory_module": "brought_by_default",
                    "default_factory_name": "os", "dict_context": ["a"]}}])


@attack("out_spec")
@graph
def key_that_imports(model, graph, marker):
    (marker.parent / "brought_by_key.py").write_text(f"import os; os.mkdir({str(marker)!r})")
    signature(model)["out_spec"] = json.dumps([1, {
        "type": "builtins.dict", "children_spec": [LEAF], "context": json.dumps(
            [{"__enum__": True, "fqn": "brought_by_key:os", "name": "a"}])}])


@attack("an odd builtins.dict")
@graph
def keys_that_import(model, graph, marker):
    (marker.parent / "brought_by_keys.py").write_text(f"import os; os.mkdir({str(marker)!r})")
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


def run(path, marker, *, trust=True):
    """Load a program, with the vetting off, and run it in two ways; whether its own code ran."""
    inputs = torch.zeros(2, 4), "sum"
    with contextlib.suppress(Exception):
        program = load_program(path, trust=trust)
        with contextlib.suppress(Exception):
            program.module()(*inputs)
        weights = [*program.parameters(), *program.constants.values()]
        torch.fx.Interpreter(program.graph_module).run(*weights, *inputs)
    return marker.exists()


@pytest.mark.parametrize("name", ATTACKS)
def test_a_program_that_brings_code_is_refused(program, tmp_path, marker, monkeypatch, name):
    change, words = ATTACKS[name]
    path = rewritten(program, tmp_path / "bad.pt2", lambda entries: change(entries, marker))
    monkeypatch.syspath_prepend(tmp_path)
    message = refused(load_program, path, *words)
    assert message.endswith("and zsl runs no code from a checkpoint; if you trust the file, give "
                            "--trust-pickle")
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


def old_layout(path, weights):
    """What torch 2.7 wrote, with the given weights."""
    from torch._export.serde.serialize import serialize

    parts = serialize(exported())
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("version", "8.8")
        archive.writestr("serialized_exported_program.json", parts.exported_program)
        archive.writestr("serialized_state_dict.pt", weights)
        archive.writestr("serialized_constants.pt", parts.constants)
        archive.writestr("serialized_example_inputs.pt", parts.example_inputs)
    return path


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


# TorchScript that is refused

def stateful(script, target, marker, statement, where="    self.training = (state)[1]\n"):
    """The TorchScript module with one more statement where it is loaded."""

    def change(entries):
        source = entries["code/__torch__/test_vetting.py"].decode()
        assert where in source
        statement_there = statement.replace("MARKER", str(marker))
        entries["code/__torch__/test_vetting.py"] = source.replace(
            where, f"{where}    {statement_there}\n").encode()
        for name in [name for name in entries if name.endswith(".debug_pkl")]:
            del entries[name]

    return rewritten(script, target, change)


@pytest.mark.parametrize("statement", [
    'torch.save([1, 2], "MARKER")',
    'ops.aten.save([1, 2], "MARKER")',
    'torch . \\\n    save([1, 2], "MARKER")',
    'torch.append([1], 2)  # "\n    torch.save([1, 2], "MARKER")  # "',
    'torch.warn("\\"#", 2)\n    torch.save([1, 2], "MARKER")',
    't = torch\n    t.save([1, 2], "MARKER")',
    'a = ops.aten\n    getattr(a, "sa" "ve")([1, 2], "MARKER")',
    'getattr(torch, "sa\\166e")([1, 2], "MARKER")',
    'getattr(torch.autograd, "sa\\166e")([1, 2], "MARKER")',
    'self.w = torch.from_file("MARKER", True, 4)',
])
def test_torchscript_that_writes_files_is_refused(script, tmp_path, marker, statement):
    path = stateful(script, tmp_path / "bad.ts", marker, statement)
    refused(load_torchscript, path, "zsl runs no code from a checkpoint")
    assert not marker.exists()
    load_torchscript(path, trust=True)
    assert marker.exists()


def test_torchscript_that_opens_files_in_a_default_argument_is_refused(script, tmp_path, marker):
    def change(entries):
        source = entries.pop("code/__torch__/test_vetting.py").decode()
        source = source.replace("x: Tensor)",
                                f'x: Tensor, y: Tensor=torch.from_file("{marker}", True, 4))')
        entries["code/__torch__/TEST_vetting.PY"] = source.encode()  # case does not matter

    path = rewritten(script, tmp_path / "bad.ts", change)
    refused(load_torchscript, path, "calls from_file")
    assert not marker.exists()
    load_torchscript(path, trust=True)
    assert marker.exists()


@pytest.mark.parametrize("statement", [
    'a = ops.debugprims.load_tensor("a", [1], [1], dtype=6, device=torch.device("cpu"))',
    'a = __torch__.torch.classes.dist_rpc.WorkerInfo("a", 1)',
    'a = getattr(self, \'w", __import__("os"), "\')',
    '__annotations__["w\\", __import__(\'os\'), \\""] = Tensor',
])
def test_torchscript_out_of_the_ordinary_is_refused(script, tmp_path, marker, statement):
    path = stateful(script, tmp_path / "bad.ts", marker, statement)
    refused(load_torchscript, path, "zsl runs no code from a checkpoint")


def test_torchscript_with_an_object_of_a_class_in_cpp_is_refused(script, tmp_path):
    path = rewritten(script, tmp_path / "bad.ts", lambda entries: entries.update(
        {"constants.pkl": b"\x80\x02c__torch__.torch.classes.c10d\nWork\n)\x81."}))
    refused(load_torchscript, path, "torch.classes.c10d")


# Damaged files, and what loading leaves as it was

@pytest.mark.parametrize("load", [load_program, load_torchscript])
@pytest.mark.parametrize("trust", [False, True])
def test_damaged_files_are_reported_in_one_line(program, script, tmp_path, capfd, load, trust):
    path = tmp_path / "damaged"
    intact, entry = ((program, MODEL) if load is load_program
                     else (script, "code/__torch__/test_vetting.py"))
    source = intact.read_bytes()
    emptied = rewritten(intact, tmp_path / "emptied", lambda entries: entries.update({entry: b""}))
    for damaged in (b"", b"text", source[:100], source[:len(source) // 2], source[:-30],
                    emptied.read_bytes()):
        path.write_bytes(damaged)
        refused(lambda path: load(path, trust=trust), path, "cannot be read as")
    path.unlink()
    refused(load, path, "no such file")
    refused(load, tmp_path, "no such file")
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("load", [load_program, load_torchscript])
def test_flipped_bits_are_reported_or_make_no_difference(program, script, tmp_path, load):
    path = tmp_path / "flipped"
    source = (program if load is load_program else script).read_bytes()
    for place in range(7, len(source), len(source) // 40):
        path.write_bytes(source[:place] + bytes([source[place] ^ 4]) + source[place + 1:])
        with contextlib.suppress(ZslError):
            load(path)


def test_a_file_of_the_other_kind_is_reported(program, script):
    refused(load_program, script, "cannot be read as an exported program")
    refused(load_torchscript, program, "cannot be read as a TorchScript module")


def test_loading_leaves_the_environment_and_logging_as_they_were(program, monkeypatch):
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    before = dict(os.environ), logging.root.manager.disable
    load_program(program)
    assert (dict(os.environ), logging.root.manager.disable) == before


# Expressions

symbols = st.sampled_from(["s0", "s77", "u1", "zuf0"])
expressions = st.recursive(
    st.one_of(
        symbols, symbols.map(lambda name: f"Symbol('{name}', positive=True, integer=True)"),
        st.integers().map(lambda number: f"Integer({number})"),
        st.floats(allow_nan=False, allow_infinity=False).map(
            lambda number: f"Float('{number!r}', precision=53)")),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["Add", "Mul", "Max", "FloorDiv", "Mod", "StrictLessThan"]),
                  inner, inner).map(lambda parts: f"{parts[0]}({parts[1]}, {parts[2]})"),
        st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "%", "<", "=="]), inner).map(
            lambda parts: f"({' '.join(parts)})")))
pieces = st.sampled_from([
    "Symbol", "Max", "s0", "eval", "__import__", "os", "lambda", "True", "true", "if", "else", "(",
    ")", "[", "]", "{", "}", ",", ".", ":", ":=", "=", "+", "*", "**", "-", "!", "'s0'", "'exit()'",
    '"s0"', "f'{exit()}'", "1", "2.5", "\n", "#", "\\", " ", "é"])


@settings(deadline=None)
@given(expressions)
def test_arithmetic_on_shapes_passes(text):
    rules._check_expression(text, "")


@settings(deadline=None)
@given(st.one_of(st.lists(pieces, max_size=12).map("".join), st.text(max_size=20)))
def test_what_passes_as_an_expression_has_no_other_names_text_or_attributes(text):
    try:
        rules._check_expression(text, "")
    except rules.UnsafeError:
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME:
            assert token.string in {"Symbol", "Max", "s0", "True", "true"} or token.string in {
                "and", "or", "not", "in", "is", "None", "False", "E", "oo", "nan", "pi"}
        elif token.type == tokenize.STRING:
            assert token.string in {"'s0'", '"s0"'}
        assert token.string not in {".", "[", "{", ":", ":=", "!"}
