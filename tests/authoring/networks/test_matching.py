"""The keys of a state dict find the weights of a network, whatever stands before and in them."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from zsl_cli.authoring.networks import fitting, weights  # noqa: E402
from zsl_cli.authoring.networks.weights import Weights  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402


class Staged(nn.Module):
    """Two stages and a classifier."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU())
        self.layer1 = nn.Sequential(nn.Conv2d(4, 6, 1), nn.ReLU())
        self.fc = nn.Linear(6, 5)

    def forward(self, pixels):
        return self.fc(self.layer1(self.features(pixels)).mean((2, 3)))


PIXELS = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


def loaded(state, tmp_path):
    """The network with these weights, and the notes."""
    network = Staged()
    notes = fitting.load(network, Weights(tmp_path / "w.pth", (), state), "staged")
    return network, notes


def inside(state, module, word):
    """The state dict of the same network with one of its modules wrapped."""
    return {key.replace(f"{module}.", f"{module}.{word}.", 1) if key.startswith(f"{module}.")
            else key: value for key, value in state.items()}


@pytest.mark.parametrize("word", ["_orig_mod", "_fsdp_wrapped_module", "module",
                                  "_checkpoint_wrapped_module", "module._orig_mod", "model"])
@pytest.mark.parametrize("module", ["layer1", "features", "layer1.0"])
@pytest.mark.parametrize("prefix", ["", "module.", "model.backbone._orig_mod."])
def test_what_wraps_a_part_of_a_network_is_passed_over(tmp_path, word, module, prefix):
    source = Staged().eval()
    state = {prefix + key: value for key, value in
             inside(source.state_dict(), module, word).items()}
    network, notes = loaded(state, tmp_path)
    assert torch.equal(network(PIXELS), source(PIXELS))
    assert notes == []


def test_a_networks_own_modules_of_such_names_stay(tmp_path):
    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.module, self.model = nn.Linear(3, 3), nn.Linear(3, 3)

        def forward(self, vectors):
            return self.model(self.module(vectors))

    source, target = Own().eval(), Own()
    fitting.load(target, Weights(tmp_path, (), source.state_dict()), "own")
    assert torch.equal(target(torch.ones(1, 3)), source(torch.ones(1, 3)))


def two(first, second, plain, other):
    """Two networks in one state dict."""
    return {f"{first}{key}": value for key, value in plain.items()} | {
        f"{second}{key}": value for key, value in other.items()}


@pytest.mark.parametrize(("taken", "left"), [
    ("teacher.", "student."), ("ema_model.", "model."), ("model_ema.", "model."),
    ("encoder_q.", "encoder_k."), ("base_encoder.", "momentum_encoder."),
    ("online_network.", "target_network."), ("ema.", "")])
def test_of_two_networks_in_one_the_averaged_one_is_taken_and_it_is_said(tmp_path, taken, left):
    source, other = Staged().eval(), Staged()
    for state in (two(taken, left, source.state_dict(), other.state_dict()),
                  two(left, taken, other.state_dict(), source.state_dict())):
        network, notes = loaded(state, tmp_path)
        assert torch.equal(network(PIXELS), source(PIXELS))
        assert f"its network under {taken!r} is taken, not that under {left!r}" in notes


def test_of_two_networks_of_which_nothing_is_said_none_is_taken(tmp_path):
    state = two("a.", "b.", Staged().state_dict(), Staged().state_dict())
    with pytest.raises(ZslError, match=r"several networks.*'a\.', 'b\.'; save the one"):
        loaded(state, tmp_path)
    same = Staged().state_dict()
    loaded(two("a.", "b.", same, same), tmp_path)  # it makes no difference


def test_what_training_has_beside_a_network_is_left_aside(tmp_path):
    source = Staged().eval()
    beside = {"mask_token": torch.ones(1), "decoder_blocks.0.weight": torch.ones(2),
              "projector.0.weight": torch.ones(2), "AuxLogits.fc.weight": torch.ones(2)}
    network, notes = loaded({**source.state_dict(), **beside}, tmp_path)
    assert torch.equal(network(PIXELS), source(PIXELS))
    assert notes == ["4 tensors beside the network are left aside: mask_token, "
                     "decoder_blocks.0.weight, projector.0.weight and 1 more"]


@pytest.mark.parametrize(("content", "note"), [
    (lambda taken, other: {"student": other, "teacher": taken, "epoch": 3},
     "its teacher is taken, not student"),
    (lambda taken, other: {"model": other, "ema": {"module": taken, "updates": 3}},
     "its ema is taken, not model"),
    (lambda taken, other: {"encoder": other, "target_encoder": taken},
     "its target_encoder is taken, not encoder"),
    (lambda taken, other: {"encoder": taken, "head": other}, "its encoder is taken, not head"),
    (lambda taken, other: {"resnet": taken, "epoch": 3},
     "its resnet is taken, the one state dict in it"),
    (lambda taken, other: {"model": taken, "ema": {"shadow_params": [*other.values()]}},
     "its ema holds weights without names, which are left aside")])
def test_of_several_state_dicts_the_averaged_one_is_taken_and_it_is_said(tmp_path, content, note):
    taken, other = {"a": torch.zeros(2)}, {"a": torch.ones(2)}
    optimizer = {"state": {0: {"exp_avg": torch.ones(2)}}}
    torch.save({**content(taken, other), "optimizer": optimizer}, tmp_path / "a.pth")
    found = weights.read(tmp_path / "a.pth")
    assert torch.equal(found.tensors["a"], taken["a"])
    assert found.notes == (note,)


def test_a_configuration_under_a_usual_name_is_no_state_dict(tmp_path):
    torch.save({"model": {"name": "resnet18", "layers": [2, 2]}, "net": {"a": torch.ones(1)}},
               tmp_path / "a.pth")
    assert [*weights.read(tmp_path / "a.pth").tensors] == ["a"]


def test_of_several_state_dicts_of_which_nothing_is_said_none_is_taken(tmp_path):
    torch.save({"left": {"a": torch.ones(1)}, "right": {"a": torch.ones(1)}}, tmp_path / "a.pth")
    with pytest.raises(ZslError, match="several state dicts in it: left, right; save the one"):
        weights.read(tmp_path / "a.pth")
