"""The captioned images of a training: found, read, and split."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.training.captions.joint import Pairs
from zsl_cli.embedding import feature_cache
from zsl_cli.errors import ZslError
from zsl_cli.evaluation import captions
from zsl_cli.support.wording import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from zsl_cli.authoring.training.captions.base_model import ImageSide
    from zsl_cli.authoring.training.captions.request import CaptionRequest
    from zsl_cli.authoring.training.reporter import Reporter
    from zsl_cli.evaluation.left_out import Collector

_FEWEST = 4  # images to learn from: of two a mismatched pair says hardly anything
_SHARE = 0.1
_STREAM = 1_000_004  # of random numbers, beyond any epoch's


@dataclass(frozen=True)
class Examples:
    """Images that could be read, and their sentences.

    paths: of the images. sentences: those of the images to learn from come first.
    training, validation: the latter None where nothing is held out.
    """

    paths: tuple[Path, ...]
    sentences: tuple[str, ...]
    training: Pairs
    validation: Pairs | None


def read(request: "CaptionRequest", side: "ImageSide",
         judge: "Callable[[str], ZslError | None]", reporter: "Reporter",
         collector: "Collector") -> Examples:
    """The images that can be read, with their captions that nothing speaks against.

    judge: see Encoder.judge.

    Raises ZslError.
    """
    listed = _listed(request, request.split, judge, collector)
    held = (None if request.validation_split is None else
            _listed(request, request.validation_split, judge, collector))
    if held and set(held.paths) & set(listed.paths):
        raise ZslError(f"{request.captions}: images to validate with are among those to learn "
                       "from; name two splits, by `split` and `validation_split`")
    paths = (*listed.paths, *(held.paths if held else ()))
    texts = (*listed.captions, *(held.captions if held else ()))
    reporter.start("reading features", len(paths), "images")
    read = feature_cache.embed(side, paths, identity=side.identity, max_pixels=request.max_pixels,
                               advance=reporter.advance)
    collector.add_unreadable([(str(paths[at]), error) for at, error in read.failed])
    if read.failed:
        reporter.say(f"{counted(len(read.failed), 'image')} could not be read and "
                     f"{'is' if len(read.failed) == 1 else 'are'} left out")
    if not np.isfinite(read.values).all():
        raise ZslError("the encoder gives features that are not finite")
    kept = read.kept.tolist()
    spared = _spared([at >= len(listed) for at in kept], request)
    order = [*np.flatnonzero(~spared).tolist(), *np.flatnonzero(spared).tolist()]
    learned = int((~spared).sum())
    if learned < _FEWEST:
        raise ZslError(f"{request.captions}: training needs {_FEWEST} captioned images at least, "
                       f"and there are {learned} to learn from that can be read")
    features, embeddings = side.parts(read.values[order])
    mine = [texts[kept[at]] for at in order]
    owner = np.repeat(np.arange(len(mine)), [len(some) for some in mine])
    pairs = Pairs(features, embeddings, owner, np.arange(len(owner)))
    reporter.say(f"{counted(learned, 'image')} to learn from, {len(order) - learned} to validate "
                 f"with; {counted(len(owner), 'caption')}")
    return Examples(
        tuple(paths[kept[at]] for at in order),
        tuple(sentence for some in mine for sentence in some),
        pairs.of_images(np.arange(learned)),
        pairs.of_images(np.arange(learned, len(mine))) if learned < len(mine) else None)


def _listed(request: "CaptionRequest", split: str | None,
            judge: "Callable[[str], ZslError | None]",
            collector: "Collector") -> captions.Captioned:
    listed = captions.read(str(request.captions), request.images, split).without(judge)
    collector.add_sentences(listed.failed)
    if not len(listed):
        raise listed.failed[0][1]
    return listed


def _spared(of_split: Sequence[bool], request: "CaptionRequest") -> "NDArray[np.bool_]":
    """Of each image whether it is one to validate with."""
    spared = np.array(of_split, bool)
    if request.validation_split is None and request.validation == "image":
        random = np.random.default_rng([request.seed, _STREAM])
        spared[random.permutation(len(spared))[:round(_SHARE * len(spared))]] = True
    return spared
