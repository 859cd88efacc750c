"""Which graphs a user's paths stand for, which half of a dual encoder each of them is, and what
lies beside it."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zsl_cli.authoring.importing import completion, layouts, onnx_models
from zsl_cli.authoring.importing.request import ImportRequest
from zsl_cli.authoring.networks import configurations
from zsl_cli.errors import ZslError
from zsl_cli.support.wording import counted, listed

if TYPE_CHECKING:
    import onnx

_DEEPEST = 4
_MOST = 10_000  # files of a model's folder


@dataclass(frozen=True)
class Tower:
    """A graph, and the folders in which its settings may be, the nearest first.

    exact: the same tower in fp32, where another form was chosen and both are there.
    """

    graph: Path
    folders: tuple[Path, ...]
    exact: Path | None = None

    def file(self, name: str) -> Path | None:
        """The nearest file of this name."""
        return next((folder / name for folder in self.folders if (folder / name).is_file()), None)

    def config(self, name: str = "config.json") -> dict[str, Any]:
        """What the nearest file of this name says, or nothing."""
        file = self.file(name)
        return configurations.read(file) if file else {}


@dataclass(frozen=True)
class Towers:
    """The halves of an encoder: both, or the image's alone.

    layout: of the files, for people. form: of the weights.
    """

    layout: str
    form: str
    image: Tower
    text: Tower | None

    @property
    def merged(self) -> bool:
        """Whether one graph is both."""
        return self.text is not None and self.text.graph == self.image.graph


def section(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object within a configuration, empty where there is none."""
    part = config.get(name)
    return part if isinstance(part, dict) else {}


def find(request: ImportRequest) -> Towers:
    """The towers that a request's paths stand for. Raises ZslError."""
    several = [_at(path, request) for path in request.paths]
    images = [one for found in several for one in found.images]
    texts = [one for found in several for one in found.texts]
    if len(images) > 1 or len(texts) > 1:
        what = "image" if len(images) > 1 else "text"
        raise ZslError(f"two {what} models: " + listed(
            [str(one.graph) for one in (images if what == "image" else texts)])
            + "; a model has one of each")
    if not images:
        raise ZslError(f"{texts[0].graph}: a text model alone; give the image model that it "
                       "belongs to as well")
    names = dict.fromkeys(found.layout for found in several)
    return Towers(" and ".join(names), several[0].form, images[0], texts[0] if texts else None)


@dataclass(frozen=True)
class _Found:
    layout: str
    form: str
    images: tuple[Tower, ...] = ()
    texts: tuple[Tower, ...] = ()


def _at(path: Path, request: ImportRequest) -> _Found:
    """What one path stands for."""
    if path.is_file():
        halves = _halves(onnx_models.read(path), path, request)
        tower = Tower(path, (path.parent,))
        return _Found("named by options", request.form or "fp32", *(
            (tower,) if half in halves else () for half in ("image", "text")))
    if not path.is_dir():
        raise ZslError(f"{path}: no such file or folder")
    names = list(_names(path))
    found = layouts.find(names, request.variant)
    if found is None:
        raise ZslError(f"{path}: {_instead(names)}none of the known layouts: looked for "
                       f"{layouts.looked_for()}. Give the graphs themselves, and name what is "
                       "wanted with `image_output`, `text_output`, `size`, `mean`, `std` and "
                       "`tokenizer`")
    form = found.form(request.form)

    def towers(paths: dict[str, str], half: str) -> tuple[Tower, ...]:
        if form not in paths:
            return ()
        graph = path / paths[form]
        if found.image.get(form) == found.text.get(form) and half not in _halves(
                onnx_models.read(graph), graph, request):
            return ()
        above = [path.joinpath(*graph.relative_to(path).parts[:depth])
                 for depth in reversed(range(len(graph.relative_to(path).parts)))]
        exact = path / paths["fp32"] if form != "fp32" and "fp32" in paths else None
        return (Tower(graph, tuple(above), exact),)

    return _Found(found.layout.name, form, towers(found.image, "image"),
                  towers(found.text, "text"))


def _halves(model: "onnx.ModelProto", path: Path, request: ImportRequest) -> list[str]:
    """Which towers are in a graph: pictures have four dimensions, token ids two."""
    ranks = {len(completion.shape_of(value)) for value in completion.inputs(model).values()}
    halves = [half for half, rank in (("image", 4), ("text", 2)) if rank in ranks]
    if not halves:
        raise ZslError(f"{path}: its inputs are neither pictures, [batch, 3, height, width], nor "
                       "token ids, [batch, tokens]: " + (
                           listed([*completion.inputs(model)]) or "it has none"))
    return halves


def _names(folder: Path) -> Iterator[str]:
    """The files of a folder by their paths from it; raises ZslError for too many."""
    count = 0
    for place, below, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        below[:] = [] if depth == _DEEPEST else sorted(
            one for one in below if not one.startswith("."))
        for name in files:
            count += 1
            if count > _MOST:
                raise ZslError(f"{folder}: more than {counted(_MOST, 'file')}; give the folder of "
                               "the model itself")
            yield (Path(place) / name).relative_to(folder).as_posix()


def _instead(names: list[str]) -> str:
    """What a folder is, where it is for another command."""
    if any(name.endswith((".safetensors", ".bin", ".pt", ".pth")) for name in names):
        return ("weights of PyTorch without an ONNX graph, which zsl export takes "
                "(pip install 'zsl-cli[export,checkpoints]'); ")
    return ""
