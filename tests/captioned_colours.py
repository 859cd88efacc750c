"""Photos of one colour each, and captions that name it: what text_model's model knows."""

import csv

import numpy as np
import text_model

SENTENCES = {"red": ("something red", "a red thing over there", "all of it is red"),
             "green": ("something green", "a green thing over there", "all of it is green"),
             "blue": ("something blue", "a blue thing over there", "all of it is blue")}


def write(folder, images=12, validation=3):
    """``captions.csv`` in a new folder, and so many photos, the last ones of the split ``val``:
    of red, green and blue in turn, no two alike."""
    folder.mkdir()
    random = np.random.default_rng(0)
    with (folder / "captions.csv").open("w", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(["image", "caption", "split"])
        for number in range(images):
            name = list(SENTENCES)[number % 3]
            colour = [int(random.integers(0, 90)) for _ in range(3)]
            colour[number % 3] = int(random.integers(200, 255))
            text_model.photo(folder / f"{number}.png", tuple(colour))
            for sentence in SENTENCES[name]:
                lines.writerow([f"{number}.png", sentence,
                                "val" if number >= images - validation else "train"])
    return folder / "captions.csv"
