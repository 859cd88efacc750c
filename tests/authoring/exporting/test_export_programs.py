"""Programs, which bring their own code: torch.export's .pt2 and TorchScript."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")

from networks import lively  # noqa: E402
from torch import nn  # noqa: E402

from zsl_cli import Classifier, Model  # noqa: E402
from zsl_cli.authoring.exporting import export, plan  # noqa: E402
from zsl_cli.authoring.networks.hints import Hints, InputOptions  # noqa: E402
from zsl_cli.errors import ZslError  # noqa: E402

pytestmark = pytest.mark.usefixtures("operators_made_once")

SIDE = 40


class Network(nn.Module):
    """Convolutions, a branch on a shape, a classifier."""

    def __init__(self, classes=6):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 16, 5, 2), nn.BatchNorm2d(16), nn.ReLU())
        self.last = nn.Conv2d(16, 24, 3, 2)
        self.head = nn.Linear(24, classes)

    def forward(self, pixels):
        maps = self.last(self.stem(pixels)).relu()
        if maps.shape[1] > 20:
            maps = maps * 0.5
        return self.head(maps.mean((2, 3)))


@pytest.fixture(scope="module")
def network():
    return lively(Network())


def save_program(network, path, dynamic=True):
    shapes = ({0: torch.export.Dim("batch")},) if dynamic else None
    example = torch.rand(2, 3, SIDE, SIDE)
    torch.export.save(torch.export.export(network, (example,), dynamic_shapes=shapes), path)


def save(network, path, kind):
    if kind == "program":
        save_program(network, path)
    elif kind == "scripted":
        torch.jit.save(torch.jit.script(network), path)
    else:
        torch.jit.save(torch.jit.trace(network, torch.rand(2, 3, SIDE, SIDE)), path)


def make(path, **options):
    given = InputOptions(size=SIDE, mean=(127.5,), std=(127.5,))
    return plan.make(plan.ExportRequest(path, path.with_name("out"), Hints(input=given), **options))


@pytest.mark.parametrize(("kind", "name"), [
    ("program", "a.pt2"), ("scripted", "a.pt"), ("traced", "a.pth")])
def test_a_program_is_exported_with_its_classifier_found(tmp_path, network, cat, coffee_png,
                                                         kind, name):
    save(network, tmp_path / name, kind)
    planned = make(tmp_path / name)
    assert (planned.features.width, planned.kind) == (24, "classes")
    # Of size, mean and std the user has said all.
    assert "crop 1, fit crop, interpolation bicubic; say otherwise with `crop`, `fit`, " in (
        planned.notes[0])
    assert "mean" not in planned.notes[0]
    export(planned)
    classifier = Classifier.load(tmp_path / "out", device="cpu")
    photos = [cat, coffee_png, cat.rotate(90)]
    pixels = torch.from_numpy(np.stack([classifier.model.read(photo) for photo in photos]))
    with torch.inference_mode():
        expected = network((pixels.permute(0, 3, 1, 2).float() - 127.5) / 127.5).softmax(1)
    for found, wanted in zip(classifier.classify(photos, top=6), expected.tolist(), strict=True):
        scores = {label.id: label.score for label in found.labels}
        assert [scores[f"class-{n}"] for n in range(6)] == pytest.approx(wanted, abs=2e-5)


def test_features_of_a_program_can_be_its_output_or_any_node(tmp_path, network, cat):
    save(network, tmp_path / "a.pt2", "program")
    planned = make(tmp_path / "a.pt2", features_from="output")
    assert (planned.kind, planned.features.width) == ("embedding", 6)
    export(planned)
    assert Model.load(tmp_path / "out", device="cpu").embed([cat]).shape == (1, 6)
    assert make(tmp_path / "a.pt2", feature_node="relu").features.width == 16


def test_a_program_with_a_fixed_batch_is_refused_with_the_remedy(tmp_path, network):
    save_program(network, tmp_path / "fixed.pt2", dynamic=False)
    with pytest.raises(ZslError, match=r"a batch of exactly 2, .* export it again "
                                       r".*dynamic_shapes"):
        make(tmp_path / "fixed.pt2")


def test_a_program_of_other_inputs_is_refused(tmp_path):
    class Two(nn.Module):
        def forward(self, a, b):
            return a + b

    torch.export.save(torch.export.export(Two(), (torch.rand(2, 3), torch.rand(2, 3))),
                      tmp_path / "two.pt2")
    with pytest.raises(ZslError, match="one image tensor"):
        make(tmp_path / "two.pt2")


def test_torchscript_that_does_not_take_the_size_says_so(tmp_path):
    torch.jit.save(torch.jit.trace(nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 4)),
                                   torch.rand(2, 3, 8, 8)), tmp_path / "flat.pt")
    with pytest.raises(ZslError, match=r"does not run on \[2, 3, 40, 40\].*another `size`"):
        make(tmp_path / "flat.pt")
    with pytest.raises(ZslError, match=r"does not run on \[2, 3, 224, 224\].*give its `size`"):
        plan.make(plan.ExportRequest(tmp_path / "flat.pt"))


class Frozen(Network):
    """A network whose code is for so many images."""

    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def forward(self, pixels):
        maps = self.last(self.stem(pixels)).relu().mean((2, 3))
        return self.head(maps.view(self.batch, 24))


@pytest.mark.parametrize("batch", [1, 2, 4])
def test_a_program_whose_batch_was_frozen_when_it_was_traced_says_so(tmp_path, batch):
    example = torch.rand(batch, 3, SIDE, SIDE)
    torch.jit.save(torch.jit.trace(lively(Frozen(batch)), example), tmp_path / "frozen.pt")
    with pytest.raises(ZslError, match=f"its batch was frozen at {batch} when it was traced; trace "
                                       "it again with two images or more") as refused:
        make(tmp_path / "frozen.pt")
    assert "size" not in str(refused.value).partition("(")[0]


def test_a_program_that_gives_one_row_for_two_images_is_refused(tmp_path):
    class Whole(Network):
        def forward(self, pixels):
            return super().forward(pixels)[:1]

    torch.jit.save(torch.jit.trace(lively(Whole()), torch.rand(1, 3, SIDE, SIDE)),
                   tmp_path / "one.pt")
    with pytest.raises(ZslError, match=r"frozen at 1 .*for two images it gives 1"):
        make(tmp_path / "one.pt")


class Noisy(Network):
    """A network with dropout before its head."""

    def forward(self, pixels):
        maps = self.last(self.stem(pixels)).relu()
        return self.head(nn.functional.dropout(maps.mean((2, 3)), 0.5, self.training))


@pytest.mark.parametrize(("kind", "words"), [
    (Network, "hangs on the other images of its batch"), (Noisy, "other numbers .* each time")])
@pytest.mark.parametrize("way", ["traced", "program"])
def test_a_network_that_was_saved_as_it_is_in_training_is_refused(tmp_path, kind, words, way):
    network = lively(kind()).train()
    if kind is Noisy:
        network.stem.eval()
    if way == "traced":
        torch.jit.save(torch.jit.trace(network, torch.rand(2, 3, SIDE, SIDE), check_trace=False),
                       tmp_path / "training")
    else:
        save_program(network, tmp_path / "training")
    with pytest.raises(ZslError, match=f"{words}.*as it is in training; call its eval"):
        make(tmp_path / "training")


def test_a_program_of_half_precision_is_taken_as_float32_or_told(tmp_path, network, cat):
    from copy import deepcopy

    half = deepcopy(network).half()
    torch.jit.save(torch.jit.script(half), tmp_path / "half.pt")
    planned = make(tmp_path / "half.pt")
    assert planned.notes[0] == "its weights are in half precision (float16): taken as float32"
    export(planned)
    assert Model.load(tmp_path / "out", device="cpu").embed([cat]).shape == (1, 27)

    class Casting(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = deepcopy(network).bfloat16()

        def forward(self, pixels):
            return self.inner(pixels.bfloat16())

    torch.jit.save(torch.jit.trace(Casting(), torch.rand(2, 3, SIDE, SIDE)),
                   tmp_path / "casting.pt")
    with pytest.raises(ZslError, match=r"half precision.*save it in float32"):
        make(tmp_path / "casting.pt")
    torch.export.save(torch.export.export(
        Casting(), (torch.rand(2, 3, SIDE, SIDE),),
        dynamic_shapes=({0: torch.export.Dim("batch")},)), tmp_path / "casting.pt2")
    with pytest.raises(ZslError, match=r"half precision \(bfloat16\); export it again in float32"):
        make(tmp_path / "casting.pt2")


def test_a_program_with_broken_weights_is_refused(tmp_path):
    broken = Network()
    broken.last.weight.data[0, 0] = float("nan")
    save(broken.eval(), tmp_path / "nan.pt2", "program")
    with pytest.raises(ZslError, match=r"NaN or infinity: last\.weight"):
        make(tmp_path / "nan.pt2")


def test_a_truncated_program_is_refused(tmp_path, network):
    save(network, tmp_path / "a.pt2", "program")
    data = (tmp_path / "a.pt2").read_bytes()
    for cut in (len(data) // 2, 100):
        (tmp_path / "a.pt2").write_bytes(data[:cut])
        with pytest.raises(ZslError, match="cannot be read"):
            make(tmp_path / "a.pt2")
