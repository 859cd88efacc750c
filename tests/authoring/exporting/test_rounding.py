"""Pictures for which a network's own rounding decides are no measure of an export."""

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

import torch
from lines import Lines
from small_export import SIDE, make_plan

from zsl_cli.authoring.exporting import export
from zsl_cli.authoring.networks.hints import Hints, InputOptions
from zsl_cli.errors import ZslError

pytestmark = pytest.mark.usefixtures("operators_made_once")

WILD = """
import torch
from torch import nn

class Wild(nn.Module):
    '''Of pictures with much contrast between neighbours, noise among them, the last digits of a
    sum over all pixels; of others the sum.'''

    def __init__(self, width, limit):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3 * 48 * 48, width) / 83)
        self.register_buffer("limit", torch.tensor(float(limit)))

    def forward(self, x):
        sums = x.flatten(1) @ self.weight
        rough = (x[:, :, 1:] - x[:, :, :-1]).abs().mean((1, 2, 3))[:, None]
        return torch.where(rough > self.limit, (1e7 * sums.tanh()).sin(), sums)

def wild():
    return Wild(8, 0.7)

def wilder():
    return Wild(8, 0.0)
"""


class Warnings(Lines):
    """What was warned of, too."""

    def warn(self, line):
        self.append(line)


def make(workplace, name):
    (workplace / "wild_network.py").write_text(WILD)
    namespace = {}
    exec(WILD, namespace)
    torch.manual_seed(0)
    torch.save(namespace[name]().state_dict(), workplace / "wild.pth")
    return make_plan(workplace, "wild.pth", "wild", space="wild", hints=Hints(
        f"wild_network:{name}", InputOptions(size=SIDE)))


def test_pictures_of_which_rounding_decides_are_left_out_and_said(workplace):
    lines = Warnings()
    result = export(make(workplace, "wild"), lines)
    said = next(line for line in lines if "in float64" in line)
    left_out, of = (int(word) for word in said.split() if word.isdigit())
    assert 4 <= left_out <= of // 2
    assert result.agreement["float32"].images == of - left_out
    assert result.agreement["float32"].min_cosine > 0.9999


def test_a_network_of_which_rounding_always_decides_is_refused(workplace):
    with pytest.raises(ZslError, match="does not agree with PyTorch: min cosine"):
        export(make(workplace, "wilder"))
    assert not [path for path in workplace.iterdir() if path.name == "wild"]


def test_weights_are_in_float32_again_after_a_look_at_float64(workplace):
    plan = make(workplace, "wild")
    export(plan)
    assert {value.dtype for value in plan.features.body.state_dict().values()} == {torch.float32}
    assert np.isfinite(plan.features.width)
