"""How a picture becomes an encoder's input."""

from dataclasses import dataclass

INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming")
FITS = ("crop", "squash", "pad")


@dataclass(frozen=True)
class Preprocessing:
    """How a picture becomes the encoder's input.

    size: side of the square input, pixels.
    crop: side of the centre square that is kept, as a share of the shorter side (resizing the
        shorter side to 256 and cutting out 224 is ``224 / 256 = 0.875``).
    interpolation: one of INTERPOLATIONS.
    layout: ``NHWC`` or ``NCHW``.
    fit: how a picture that is not square becomes one. ``crop``: the centre square; ``squash``: the
        whole picture (the share ``crop`` of each side), its sides scaled apart; ``pad``: the whole
        picture (of its longer side the share ``crop``) between bars of the colour ``fill``.
    odd_margins: where the centre begins when an odd number of pixels is cut off: ``round`` (to the
        even one, as torchvision), or ``floor`` (as Hugging Face).
    """

    size: int
    crop: float = 0.875
    interpolation: str = "bicubic"
    layout: str = "NHWC"
    fit: str = "crop"
    fill: tuple[int, ...] = (0, 0, 0)
    odd_margins: str = "round"

    def __post_init__(self) -> None:
        if not (type(self.size) is int and 1 <= self.size <= 4096):
            raise ValueError(f"size {self.size!r} is not a whole number from 1 to 4096")
        if not (isinstance(self.crop, int | float) and 0 < self.crop <= 1):
            raise ValueError(f"crop {self.crop!r} is not in (0, 1]")
        if self.interpolation not in INTERPOLATIONS:
            raise ValueError(f"interpolation {self.interpolation!r} is not one of "
                             f"{', '.join(INTERPOLATIONS)}")
        if self.layout not in ("NHWC", "NCHW"):
            raise ValueError(f"layout {self.layout!r} is neither NHWC nor NCHW")
        if self.odd_margins not in ("round", "floor"):
            raise ValueError(f"odd_margins {self.odd_margins!r} is neither round nor floor")
        if self.fit not in FITS:
            raise ValueError(f"fit {self.fit!r} is not one of {', '.join(FITS)}")
        object.__setattr__(self, "fill", tuple(self.fill))  # JSON has lists alone
        if len(self.fill) != 3 or not all(
                type(value) is int and 0 <= value <= 255 for value in self.fill):
            raise ValueError(f"fill {self.fill!r} is not three numbers from 0 to 255")
