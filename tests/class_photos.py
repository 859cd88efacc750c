"""Photographs with a colour cast each, in a folder for each class."""

import numpy as np
from PIL import Image

CLASSES = {"lemon": (250, 220, 40), "tomato": (200, 30, 20), "cucumber": (40, 120, 40)}


def write(folder):
    """Six images of each of three classes."""
    random = np.random.default_rng(0)
    for name, colour in CLASSES.items():
        (folder / name).mkdir(parents=True)
        for number in range(6):
            noise = random.integers(-30, 30, (64, 64, 3)) + np.array(colour)
            Image.fromarray(noise.clip(0, 255).astype(np.uint8)).save(
                folder / name / f"{number}.png")
    return folder


def contents(folder):
    """The bytes of all files below a folder, by name."""
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*")) if path.is_file()}
