"""Which vocabulary goes with a model."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from zsl_cli.errors import FolderError, MismatchError, ZslError
from zsl_cli.support import folders
from zsl_cli.support.folders import MODEL, VOCABULARY
from zsl_cli.support.manifests import Manifest, ModelManifest, VocabularyManifest
from zsl_cli.support.names import Name
from zsl_cli.support.wording import listed

CHOSEN = "ZSL_VOCAB"
"""The environment variable with the name or folder of the vocabulary that goes with all models
that it fits."""

OWN = "vocab"
"""The folder within a model's folder that holds a vocabulary made for it."""

_PAIRS = 5  # that a message names

M = TypeVar("M", bound=Manifest)


def own_vocabulary(model: Path) -> Path | None:
    """The vocabulary that a model folder carries, if it does.

    An OWN folder counts even if it is no whole vocabulary: that is an error to be told of, and no
    reason to take other labels instead.
    """
    own = model / OWN
    return own if own.is_dir() else None


def vocabulary_for(model: Path, manifest: ModelManifest,
                   name: Name | None = None) -> Path | None:
    """The vocabulary folder to use with a model folder.

    name: what the user asked for, by name or folder, which always wins. Without it: that of the
        environment (CHOSEN) if it fits, the model's own vocabulary, or else the one called
        ``default`` if it fits, or else the first that a name can reach and that fits.

    None stands for none at all, with a model that encodes phrases. Raises FolderError, and
    MismatchError when model and vocabulary have different spaces.
    """
    if name is not None:
        folder = folders.find(VOCABULARY, name)
        check_fit(model.name, manifest, folder.name, folders.read_manifest(VOCABULARY, folder))
        return folder
    if chosen := os.environ.get(CHOSEN):
        try:
            folder = folders.find(VOCABULARY, chosen)
        except FolderError as error:
            raise FolderError(f"{CHOSEN}: {error}") from error
        if manifest.fits(folders.read_manifest(VOCABULARY, folder)):
            return folder
    if own := own_vocabulary(model):
        own = folders.find(VOCABULARY, own)
        check_fit(model.name, manifest, f"{model.name}/{OWN}",
                  folders.read_manifest(VOCABULARY, own))
        return own
    # A default that cannot be read is an error: other labels in its place would go unnoticed.
    default = folders.find(VOCABULARY, "default")
    of_default = folders.read_manifest(VOCABULARY, default)
    if manifest.fits(of_default):
        return default
    for folder, candidate in _readable(VOCABULARY):
        if manifest.fits(candidate):
            return folder
    if not manifest.encodes_phrases:
        check_fit(model.name, manifest, default.name, of_default)
    return None


def check_fit(model_name: str, model: ModelManifest, vocabulary_name: str,
              vocabulary: VocabularyManifest) -> None:
    """Raise MismatchError unless a model's and a vocabulary's manifest have one space; it names
    some pairs that do fit, those with one of the two first."""
    if model.fits(vocabulary):
        return
    pairs = sorted(_pairs(), key=lambda pair: (pair[0] != model_name, pair[1] != vocabulary_name))
    fitting = listed([text for _, _, text in pairs], _PAIRS, "; ")
    raise MismatchError(
        f"model {model_name!r} maps into space {model.space!r} (dimension "
        f"{model.dimension}), vocabulary {vocabulary_name!r} has label vectors of space "
        f"{vocabulary.space!r} (dimension {vocabulary.dimension}); "
        f"pairs that fit: {fitting or 'none'}")


def _pairs() -> Iterator[tuple[str, str, str]]:
    """Model, vocabulary and the words for each pair that fits among what a name can reach."""
    vocabularies = list(_readable(VOCABULARY))
    for model, manifest in _readable(MODEL):
        own = own_vocabulary(model)
        if own is not None and any(manifest.fits(of_own) for _, of_own in _read(VOCABULARY, own)):
            yield model.name, "", f"model {model.name} alone"
        elif manifest.encodes_phrases:
            yield model.name, "", f"model {model.name} with labels of your own"
        for vocabulary, candidate in vocabularies:
            if manifest.fits(candidate):
                yield (model.name, vocabulary.name,
                       f"model {model.name} with vocabulary {vocabulary.name}")


def _readable(kind: folders.Kind[M]) -> Iterator[tuple[Path, M]]:
    """The folders that a name can reach, with their manifests; broken ones are passed over."""
    for folder in folders.available(kind):
        yield from _read(kind, folder)


def _read(kind: folders.Kind[M], folder: Path) -> Iterator[tuple[Path, M]]:
    try:
        yield folder, folders.read_manifest(kind, folder)
    except ZslError:
        return
