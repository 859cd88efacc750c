"""A classifier's checkpoint → a vocabulary folder whose vectors are fitted to it, and the maps into
its space from features and from sentence vectors."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from zsl_cli.authoring.vocabularies.classifier_fit import fit, fitted
from zsl_cli.authoring.vocabularies.wordnet import find_folder
from zsl_cli.errors import ZslError
from zsl_cli.support import extras, folders, sources
from zsl_cli.support.files import cannot_write, check_new_file, replacing
from zsl_cli.support.manifests import VocabularyManifest
from zsl_cli.support.names import set_paths
from zsl_cli.support.progress import SILENT, Reporter
from zsl_cli.support.values import POSITIVE, set_numbers

if TYPE_CHECKING:
    from zsl_cli.authoring.networks.network import Network


@dataclass(frozen=True)
class FitRequest:
    """What to fit, and where to. A path may be a text, too.

    checkpoint: of a classifier of ILSVRC-2012's 1,000 classes.
    output: the vocabulary folder.
    projection: the file for the projection into the space (see networks.projection).
    phrase_map: the file for the map from sentence vectors into it; None fits none.
    architecture: of a checkpoint that does not say it (see networks.recognise).
    feature_length: how long the network's features of photographs are on the average; None for
        that of the default's network.
    wordnet, text_encoder, class_lists: folders; None for where they usually lie.
    knowledge: a folder of tables of what labels look like and are seen with, see
        knowledge.tables; None for those of the project.
    sources: dictionaries with ``name``, ``license`` and ``url``, for the manifest.
    force: whether what is there may be replaced.

    Raises RequestError for what makes no sense.
    """

    checkpoint: Path
    output: Path
    projection: Path
    phrase_map: Path | None = None
    architecture: str | None = None
    feature_length: float | None = None
    wordnet: Path | None = None
    text_encoder: Path | None = None
    class_lists: Path | None = None
    knowledge: Path | None = None
    sources: tuple[dict[str, str], ...] = ()
    force: bool = False

    def __post_init__(self) -> None:
        set_paths(self, "checkpoint", "output", "projection", "phrase_map", "wordnet",
                           "text_encoder", "class_lists", "knowledge")
        set_numbers(self, feature_length=POSITIVE)
        object.__setattr__(self, "sources", sources.check(self.sources))

    def check_outputs(self) -> None:
        """Raise ZslError, before hours of work, for what could not be written at their end."""
        folders.check_target(self.output, force=self.force, reads=(
            self.checkpoint, self.wordnet, self.text_encoder, self.class_lists, self.knowledge))
        for name, path in (("projection", self.projection), ("phrase_map", self.phrase_map)):
            if path is None:
                continue
            if self.output.absolute() in path.absolute().parents:
                raise ZslError(f"`{name}={path}`: this lies in {self.output}, which is to be "
                               "written")
            check_new_file(path, force=self.force, parameter=name)


@dataclass(frozen=True)
class FitResult:
    """The vocabulary folder, its manifest, and the files of the two maps."""

    folder: Path
    manifest: VocabularyManifest
    projection: Path
    phrase_map: Path | None


def fit_vocabulary(request: FitRequest, reporter: Reporter = SILENT) -> FitResult:
    """Fit and write all of it. Raises ZslError, and leaves nothing behind."""
    request.check_outputs()
    with extras.needed("vocab", "fitting a vocabulary"):
        from zsl_cli.authoring.networks.hints import Hints
        from zsl_cli.authoring.networks.phrase_map import PhraseMap
        from zsl_cli.authoring.networks.projection import Projection
        from zsl_cli.authoring.networks.recognise import recognise
    network = recognise(request.checkpoint, Hints(request.architecture, trust_pickle=None))
    parts = _parts(request, network, reporter)
    built = fitted.build(parts, reporter)
    result, phrases = built.fit, built.phrases
    try:
        with (_file(request.projection) as projection, _file(request.phrase_map) as phrase_map,
              folders.new_folder(request.output, force=request.force) as folder):
            manifest = fitted.write(folder, parts, built)
            assert projection is not None
            Projection(result.features, result.posterior, result.bias, manifest.space,
                       parts.settings.temperature, result.radius, result.score_temperature,
                       unit_features=True).save(projection)
            if phrase_map is not None and phrases is not None:
                PhraseMap(phrases.landmarks, phrases.weights, phrases.bias, phrases.width,
                          manifest.dimension, manifest.space, built.encoder,
                          slack=result.slack_dimension).save(phrase_map)
    except OSError as error:
        raise cannot_write(error.filename or request.output, error) from error
    return FitResult(request.output, manifest, request.projection, request.phrase_map)


def _file(path: Path | None) -> AbstractContextManager[BinaryIO | None]:
    return nullcontext() if path is None else replacing(path)


def _parts(request: FitRequest, network: "Network", reporter: Reporter) -> fitted.Request:
    """What is fitted, with the classifier's weights."""
    import torch

    from zsl_cli.authoring.networks import features

    side = network.input.preprocessing.size
    classifier = features.find(network.module, torch.zeros(2, 3, side, side),
                               "penultimate").classifier
    if classifier is None or classifier.bias is None:
        raise ZslError(f"{request.checkpoint}: a classifier with a bias is wanted")
    usual = fit.Settings().feature_length
    if request.feature_length is None and network.architecture != fitted.DEFAULT_NETWORK:
        reporter.say(f"{network.architecture}'s features are taken to be as long as "
                     f"EfficientNet-Lite0's, {usual}; `feature_length` says how long they are")
    return fitted.Request(
        folders.name_of(request.output), network.architecture, classifier.weight.detach().numpy(),
        classifier.bias.detach().numpy(), find_folder(request.wordnet), request.text_encoder,
        request.class_lists, request.knowledge, phrases=request.phrase_map is not None,
        settings=fit.Settings(feature_length=request.feature_length or usual),
        sources=request.sources)
