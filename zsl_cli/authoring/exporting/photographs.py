"""The photographs that come with scikit-image."""

from pathlib import Path

from PIL import Image

from zsl_cli.support import extras

_FILES = ("astronaut.png", "chelsea.png", "coffee.png", "motorcycle_left.png", "rocket.jpg")


def bundled() -> list[Image.Image]:
    """All of them, as RGB."""
    with extras.needed("export", "calibration"):
        import skimage.data
    photographs = []
    for name in _FILES:
        with Image.open(Path(skimage.data.data_dir) / name) as photograph:
            photographs.append(photograph.convert("RGB"))
    return photographs


def of_all_shapes() -> list[Image.Image]:
    """Landscapes, upright ones and a small one, none of them square, so that it shows how they are
    resized and cropped; without colour profiles, which libraries' own pipelines pass over."""
    astronaut, chelsea, coffee, motorcycle, rocket = bundled()
    rocket.info.pop("icc_profile", None)
    return [chelsea, coffee.transpose(Image.Transpose.ROTATE_90), rocket,
            astronaut.crop((90, 0, 430, 512)), motorcycle.resize((190, 130))]
