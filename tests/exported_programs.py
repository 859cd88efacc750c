"""Programs of torch.export and TorchScript, and archives of them that were tampered with."""

import contextlib
import io
import json
import os
import warnings
import zipfile

import pytest

pytest.importorskip("torch")
pytest.importorskip("torch.export.pt2_archive")

import torch

from zsl_cli.authoring.networks.vetting import load_program
from zsl_cli.errors import ZslError

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


def payload(entries, folder, name, change):
    edited(entries, f"data/{folder}/model_{folder}_config.json",
           lambda config: change(config["config"][name]))


def signature(model):
    return model["graph_module"]["module_call_graph"][0]["signature"]


def size(tensor_values, expression):
    tensor_values["x"]["sizes"][0] = {"as_expr": {"expr_str": expression, "hint": None}}


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
