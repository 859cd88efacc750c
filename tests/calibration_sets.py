"""The model of four colours, and so many pictures of them that confidences can be fitted; a third
of each class is of another colour, so that the model is wrong about it."""

import numpy as np
import painted_sets
import text_model

from zsl_cli.support import folders
from zsl_cli.vocabulary.names.label import Label

COLOURS = {"crimson": (220, 20, 20), "navy": (20, 20, 220), "lime": (20, 220, 20)}
BESIDE = ("sheet", "cloth", "spot")


def model(folder, **changes):
    """With its own vocabulary; sure of itself."""
    made = text_model.make(folder, calibration={"temperature": 0.05}, **changes)
    text_model.make_vocabulary(made / "vocab", vectors=painted_sets.VECTORS,
                               labels=painted_sets.LABELS)
    (made / "README.md").write_text("# paint\n\nA card.\n\n## Sources and licences\n\nNone.\n")
    return made


def photos(folder, count=15, classes=COLOURS, wrong=3):
    """So many pictures a class, every third one of the next colour."""
    random = np.random.default_rng(0)
    colours = [*COLOURS.values()]
    for name in classes:
        (folder / name).mkdir(parents=True)
        own = list(COLOURS).index(name)
        for number in range(count):
            colour = colours[(own + (number % wrong == 0)) % 3]
            painted = np.clip(np.array(colour) + random.integers(-20, 80, 3), 0, 255)
            text_model.photo(folder / name / f"{number}.png", tuple(int(c) for c in painted))
    return folder


def with_beside(model_folder):
    """The model's vocabulary gets three labels that stand beside others, one of them below
    another: a sheet is seen with red, a cloth with red too, a spot with blue."""
    labels = [*painted_sets.LABELS, Label("b1", "cloth"), Label("b2", "sheet", parents=("b1",)),
              Label("b3", "spot")]
    vectors = np.concatenate([painted_sets.VECTORS, np.tile([[0, 0, 0, -1]], (3, 1))])
    beside = np.array([[0.1, -0.1, -0.1, 0], [0.1, -0.1, -0.1, 0], [-0.1, -0.1, 0.1, 0]],
                      np.float32)
    folder = model_folder / "vocab"
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    text_model.make_vocabulary(folder, vectors=vectors.astype(np.float32), labels=labels,
                               beside=[4, 5, 6])
    np.save(folder / "beside.npy", beside)
    entries = dict(folders.read_manifest(folders.VOCABULARY, folder).entries)
    entries["files"] |= folders.describe_files(folder, "beside.npy")
    folders.write_manifest(folders.VOCABULARY, folder, entries)
    return model_folder


def captions(path, pictures):
    """Three captions an image: all of them say the sheet of red pictures, but for every fifth; one
    in three of them says the spot of blue ones."""
    lines = ["image,caption,split"]
    for name in COLOURS:
        for number, picture in enumerate(sorted((pictures / name).iterdir())):
            for caption in range(3):
                text = "a picture"
                if name == "crimson" and number % 5:
                    text = "a sheet on a line"
                if name == "navy" and caption == 0:
                    text = "a spot there"
                lines.append(f"{name}/{picture.name},{text},{'train' if number else 'test'}")
    path.write_text("\n".join(lines) + "\n")
    return path
