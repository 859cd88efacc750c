"""The graph that PyTorch's exporter makes of a network, and what is done to it."""

import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

import numpy as np  # noqa: E402
from torch import nn  # noqa: E402

from zsl_cli.authoring.exporting import graph  # noqa: E402
from zsl_cli.authoring.networks.network import Input  # noqa: E402
from zsl_cli.embedding import sessions  # noqa: E402
from zsl_cli.support.preprocessing import Preprocessing  # noqa: E402

pytestmark = pytest.mark.usefixtures("operators_made_once")

SIDE = 32


class Bounded(nn.Module):
    """A linear layer between bounds that its weights bring, as Gemma 4's image tower has it; the
    upper one binds nothing."""

    def __init__(self, lower):
        super().__init__()
        self.linear = nn.Linear(3, 4)
        self.register_buffer("lower", torch.tensor(lower))
        self.register_buffer("upper", torch.tensor(torch.inf))

    def forward(self, rows):
        return self.linear(rows.clamp(self.lower, self.upper))


class Several(nn.Module):
    """Three layers that bound the same rows in three ways, and a mean of its own."""

    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList(map(Bounded, (-0.5, 0.0, 0.5)))

    def forward(self, images):
        rows = images.mean((2, 3)) * 3
        return torch.cat([layer(rows) for layer in self.layers], 1)


class Layer(nn.Module):
    """Attention and a perceptron."""

    def __init__(self):
        super().__init__()
        self.before, self.between = nn.LayerNorm(16), nn.LayerNorm(16)
        self.parts, self.projection = nn.Linear(16, 48), nn.Linear(16, 16)
        self.perceptron = nn.Sequential(nn.Linear(16, 64), nn.GELU(), nn.Linear(64, 16))

    def forward(self, x):
        size = x.shape
        parts = self.parts(self.before(x)).reshape(*size[:2], 3, 4, 4).permute(2, 0, 3, 1, 4)
        seen = nn.functional.scaled_dot_product_attention(*parts.unbind(0))
        x = x + self.projection(seen.transpose(1, 2).reshape(size))
        return x + self.perceptron(self.between(x))


class Transformer(nn.Module):
    """One that ends with its class token."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 16, 8, 8)
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        self.places = nn.Parameter(torch.randn(1, 17, 16))
        self.layers = nn.Sequential(Layer(), Layer())

    def forward(self, images):
        patches = self.patches(images).flatten(2).transpose(1, 2)
        token = self.token.expand(patches.shape[0], -1, -1)
        return self.layers(torch.cat([token, patches], 1) + self.places)[:, 0]


def written(network, path):
    """What PyTorch and the graph of a network with a head of no parameters give for two images of
    noise."""
    encoder = graph.Encoder(network.eval(), nn.Tanh(), Input(Preprocessing(size=SIDE)))
    graph.write_encoder(encoder, path)
    images = np.random.default_rng(0).integers(0, 256, (2, SIDE, SIDE, 3), dtype=np.uint8)
    if encoder.layout == "NCHW":
        images = images.transpose(0, 3, 1, 2).copy()
    with torch.inference_mode():
        expected = encoder(torch.from_numpy(images))[0].numpy()
    session = sessions.open_session(path, "cpu")
    return expected, session.run(["embedding"], {"images": images})[0]


def test_several_bounds_of_one_value_stay(tmp_path):
    torch.manual_seed(0)
    expected, got = written(Several(), tmp_path / "a.onnx")
    np.testing.assert_allclose(got, expected, atol=1e-5)


def test_a_class_token_is_taken_before_the_last_layer(tmp_path):
    torch.manual_seed(0)
    expected, got = written(Transformer(), tmp_path / "a.onnx")
    np.testing.assert_allclose(got, expected, atol=1e-5)
    model = onnx.shape_inference.infer_shapes(onnx.load(tmp_path / "a.onnx"))
    sizes = {value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
             for value in model.graph.value_info}
    rows = [sizes[node.output[0]] for node in model.graph.node
            if node.op_type in {"Gelu", "Erf"}]
    assert [one[1] for one in rows] == [17, 1]
