"""A request → a model folder: the graphs completed, their agreement measured, what was assumed
noted."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from zsl_cli.authoring.exporting import card, parity
from zsl_cli.authoring.importing import halves, onnx_models, scales, terms, towers
from zsl_cli.authoring.importing.halves import Half
from zsl_cli.authoring.importing.measuring import Published, give_back_at_once, pictures
from zsl_cli.authoring.importing.request import ImportRequest
from zsl_cli.authoring.importing.scales import Scale
from zsl_cli.authoring.importing.towers import Towers
from zsl_cli.authoring.networks import published
from zsl_cli.authoring.networks.network import Input
from zsl_cli.embedding import graphs
from zsl_cli.errors import ZslError
from zsl_cli.support import folders
from zsl_cli.support.manifests import (
    ENCODER_FILE,
    LABEL_ENCODER_FILE,
    Calibration,
    CheckpointEntry,
    FileEntry,
    ModelManifest,
    Normalisation,
    PriorRoom,
    PublishedEntry,
    TextEncoding,
)
from zsl_cli.support.progress import SILENT, Reporter
from zsl_cli.support.version import __version__
from zsl_cli.support.wording import listed

_WEIGHTS = {"fp32": "float32"}


@dataclass(frozen=True)
class ImportResult:
    """An import that is done.

    folder: the model folder.
    assumed: what no file said and was taken for granted, in words.
    """

    folder: Path
    manifest: ModelManifest
    assumed: tuple[str, ...]


def import_model(request: ImportRequest, reporter: Reporter = SILENT) -> ImportResult:
    """Write a model folder of a ready ONNX model.

    Raises ZslError for what cannot be one; nothing is left behind then.
    """
    request.check_output()
    give_back_at_once()
    found = towers.find(request)
    reporter.say(f"layout: {found.layout}; {found.form}")
    prepared, assumed = _prepared(found, request)
    space = request.space or f"imported-{_digest(found, prepared)[:12]}"
    metadata = {"zsl.name": request.model_name, "zsl.space": space,
                "zsl.license": _license(found, request) or "",
                "zsl.exported_by": f"zsl {__version__}"}
    with folders.new_folder(request.output, force=request.force) as folder:
        image = halves.image(found.image, prepared, request, found.form, folder / ENCODER_FILE,
                             metadata, room=found.text is not None)
        _tell("image encoder", image, reporter)
        text = halves.text(found.text, request, found.form, folder, metadata) if found.text else (
            None)
        if text is not None:
            _tell("label encoder", text, reporter)
            if text.dimension != image.dimension:
                raise ZslError(f"the image tower gives {image.dimension} dimensions and the text "
                               f"tower {text.dimension}: they are not of one model")
        scale = _scale(found, prepared, request)
        assumed = (*assumed, *scale.assumed, *image.notes, *(text.notes if text else ()))
        manifest = _manifest(found, request, prepared, image, text, space, scale, assumed)
        kept = terms.copy([place for tower in (found.image, found.text) if tower is not None
                           for place in tower.folders], folder)
        names = sorted(path.name for path in folder.iterdir())
        files = {name: FileEntry(**one)
                 for name, one in folders.describe_files(folder, *names).items()}
        folders.write_manifest(folders.MODEL, folder, {
            **manifest.to_entries(), "files": {name: vars(one) for name, one in files.items()}})
        manifest = folders.read_manifest(folders.MODEL, folder)
        for name in {ENCODER_FILE, LABEL_ENCODER_FILE} & {*manifest.files}:
            graphs.read(folder, name, manifest)  # raises for what will not be run
        (folder / "README.md").write_text(card.model_card(manifest), encoding="utf-8")
    for line in assumed:
        reporter.warn(f"assumed: {line}{scale.advice if line in scale.assumed else ''}")
    reporter.say(f"wrote {request.output}; licence: {manifest.license or 'not given'}"
                 + (f", see {listed(kept)}" if kept else ""))
    return ImportResult(request.output, manifest, assumed)


def _tell(what: str, half: Half, reporter: Reporter) -> None:
    figures = "; ".join(f"{name}: {parity.spoken(one)}" for name, one in half.agreement.items())
    reporter.say(f"{what}: {half.output}, {half.dimension} dimensions; agreement with {figures}")


def _prepared(found: Towers, request: ImportRequest) -> tuple[Input, tuple[str, ...]]:
    """How a picture is prepared: the user's word, the files', or what is usual."""
    says = published.prepared(found.image.folders, found.image.config(), request.input)
    return says.input, (says.assumed.line,) if says.assumed else ()


def _scale(found: Towers, prepared: Input, request: ImportRequest) -> Scale:
    """What cosines become probabilities by: the user's word, the files', or what is usual."""
    if found.text is None:
        return Scale(request.logit_scale or scales.USUAL)
    config = found.text.config()
    says = None
    if found.merged:
        graph = Published(found.image.graph)
        name = halves.pixels_input(graph)
        pixels = halves.normalised(pictures(prepared.preprocessing.size, 3), prepared,
                                   graph.inputs[name])
        says = scales.of_graph(graph, {name: pixels}, config)
    says = says or scales.of_weights((*found.text.folders, *found.image.folders), config) or (
        scales.assumed(config))
    if request.logit_scale is not None:
        # a bias that was learned with another scale is none for this one
        return Scale(request.logit_scale, request.logit_bias)
    return says if request.logit_bias is None else replace(says, bias=request.logit_bias)


def _digest(found: Towers, prepared: Input) -> str:
    """Of all that vectors hang on."""
    parts = [*_hashes(found).values(), repr(prepared)]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _hashes(found: Towers) -> dict[str, str]:
    """The SHA-256 of the graphs, and of the files with their weights, by name; where both towers
    have files of one name, the folder stands before the text's."""
    places: dict[str, Path] = {}
    for tower in (found.image, found.text):
        if tower is not None:
            root = tower.folders[-1]
            for path in (tower.graph, *(tower.graph.parent / name
                                        for name in onnx_models.locations(tower.graph))):
                name = path.relative_to(root).as_posix()
                places[name if places.get(name, path) == path
                       else f"{root.resolve().name}/{name}"] = path
    return {name: folders.sha256(path) for name, path in places.items()}


def _license(found: Towers, request: ImportRequest) -> str | None:
    if request.license:
        return request.license
    said = (published.license_of(folder) for tower in (found.image, found.text)
            if tower is not None for folder in tower.folders)
    return next(filter(None, said), None)


def _manifest(found: Towers, request: ImportRequest, prepared: Input, image: Half,
              text: Half | None, space: str, scale: Scale,
              assumed: tuple[str, ...]) -> ModelManifest:
    hashes, repository = _hashes(found), request.repository
    kind = str(found.image.config().get("model_type", ""))
    listing = "".join(f"{digest}  {name}\n" for name, digest in hashes.items())
    room = PriorRoom(image.dimension, halves.BEHIND, halves.LENGTH) if text else None
    return ModelManifest(
        request.model_name, request.version, space, image.dimension + (2 if room else 0), {},
        request.sources,
        input=prepared.preprocessing,
        normalisation=Normalisation(prepared.mean, prepared.std) if image.normalises else None,
        architecture=f"ONNX, {kind}" if kind else "ONNX", features=image.output,
        embedding="embedding", weights=_WEIGHTS.get(found.form, found.form),
        prior_room=room, calibration=Calibration(
            (halves.LENGTH ** 2 if room else 1) / scale.scale, bias=scale.bias),
        text=TextEncoding(request.templates or _templates(found)) if text else None,
        checkpoint=CheckpointEntry(", ".join(hashes),
                                   hashlib.sha256(listing.encode()).hexdigest()),
        published=PublishedEntry(
            found.layout, hashes, repository.name if repository else None,
            repository.revision if repository else None, assumed),
        parity={**image.agreement, **(text.agreement if text else {})},
        license=_license(found, request), exported_by=f"zsl {__version__}")


def _templates(found: Towers) -> tuple[str, ...]:
    kind = str(found.image.config().get("model_type", ""))
    return published.TEMPLATES["siglip" if kind.startswith("siglip") else "clip"]
