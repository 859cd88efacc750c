"""Whether a model folder is what it should be."""

from pathlib import Path

import numpy as np

from zsl_cli.classifier import pairing
from zsl_cli.embedding.model import Model
from zsl_cli.errors import FolderError
from zsl_cli.support import folders
from zsl_cli.support.manifests import ENCODER_FILE
from zsl_cli.vocabulary import checks


def verify_model(folder: Path) -> None:
    """Compare each file with its hash, load the model, embed an image, encode two phrases if it
    does that, and read the vocabulary that the folder carries, if it does, which has to fit.

    Raises ZslError for the first thing that is wrong.
    """
    manifest = folders.read_manifest(folders.MODEL, folder)
    for file in manifest.files:
        folders.check_file(folder, file, manifest)
    model = Model.load(folder, device="cpu")
    grey = np.full((model.preprocessing.size, model.preprocessing.size, 3), 128, np.uint8)
    pixels = grey if model.preprocessing.layout == "NHWC" else grey.transpose(2, 0, 1)
    if not np.isfinite(model.embed_pixels([pixels])).all():
        raise FolderError(f"{folder / ENCODER_FILE}: the embedding of a grey image is not finite")
    if encoder := model.label_encoder:
        encoder.encode(["a phrase", "a phrase that is longer than the other"])
    if own := pairing.own_vocabulary(folder):
        checks.read(own)
        pairing.vocabulary_for(folder, manifest)  # raises where the two do not fit
