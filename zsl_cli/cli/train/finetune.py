"""The whole network after M: the second stage of DeViSE, at a lower rate."""

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from zsl_cli.cli.train.folder import FINETUNING_STATE
from zsl_cli.cli.train.learn import Taught, objective_of, rescaled, shifted
from zsl_cli.cli.train.run import Images, Options, Teller, device_of
from zsl_cli.errors import ImageError, ZslError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from zsl_cli.authoring.networks.projection import Projection
    from zsl_cli.authoring.training.problem import Problem
    from zsl_cli.cli.train.start import Start

_M_RATE = 100.0
"""M learns so many times faster than the network: its change is in units of log-probabilities."""

_DECAY = 1e-4
_RESCALED = 256  # images


def check(given: Options, start: "Start") -> None:
    """Raise ZslError for what cannot be trained on, before anything is."""
    from torch import fx

    if not given.finetune:
        return
    if given.method == "conse":
        raise ZslError("--finetune: --loss conse trains nothing to go on with")
    if given.method == "ridge" and given.direction == "to-features":
        raise ZslError("--finetune: the label vectors lie where the network's features are; "
                       "give --direction to-labels")
    if isinstance(start.plan.network.module, fx.GraphModule):
        raise ZslError("--finetune: an exported program cannot be trained; give its state dict "
                       "and --arch")
    if start.plan.network.text is not None:
        raise ZslError("--finetune: the image tower would no longer fit the text tower; train M "
                       "alone")


def finetune(given: Options, start: "Start", taught: Taught, images: Images,
             teller: Teller) -> Taught:
    """The network and M trained together; raises ZslError."""
    import numpy as np

    from zsl_cli.authoring.exporting import graph
    from zsl_cli.authoring.training import methods
    from zsl_cli.authoring.training.network import WholeNetwork
    from zsl_cli.authoring.training.trainer import Settings, Training, enough_memory, train

    problem, network = taught.problem, start.plan.network
    assert problem is not None
    bare = shifted(taught, -1)  # the shift is laid on what training has made
    module = graph.Projecting(start.plan.features, bare.projection, network.input, problem.unit)
    learned_vectors = taught.learned.vectors
    problem = problem.originals()
    if learned_vectors is not None:
        problem = replace(problem, vectors=learned_vectors)
    _, spared = methods.split(problem.target, given.validation, given.seed)
    with enough_memory():
        whole = WholeNetwork(
            module, [(module.change, _M_RATE), *((one, 1.0) for one in module.learned())], problem,
            _reader(given, start, images), spared, batch_size=given.finetune_batch,
            device=device_of(given))
    settings = Settings(objective_of(given, problem), given.finetune, given.finetune_batch,
                        given.finetune_rate, _DECAY, given.patience, given.seed)
    teller.begin("training the network", given.finetune)
    done = train(Training(whole, settings), given.work / FINETUNING_STATE,
                 _identity(problem, bare.projection, given), teller)
    some = np.random.default_rng(given.seed).permutation(len(problem.target))[:_RESCALED]
    projected = problem.unit * whole.projections(some)
    module.cpu()
    learned = replace(taught.learned, finetuning=tuple(done.history), finetuned=done.best)
    found = replace(bare, learned=learned, state_dict=start.plan.features.state_dict(
        network.module), projection=replace(
            bare.projection, features=bare.projection.features + module.moved()))
    if found.vectors is not None:  # M began with nought
        found = rescaled(found, projected, some)
    return shifted(found, 1)


def _reader(given: Options, start: "Start", images: Images,
            ) -> "Callable[[int, np.random.Generator | None], NDArray[np.uint8]]":
    from zsl_cli.authoring.training import augmentation
    from zsl_cli.embedding import images as decoding

    frame = start.plan.network.input.preprocessing

    def read(number: int, random: "np.random.Generator | None") -> "NDArray[np.uint8]":
        path = images.paths[number]
        try:
            if random is None:
                return decoding.load(path, frame, max_pixels=given.max_pixels)
            return augmentation.view(path, frame, random, max_pixels=given.max_pixels)
        except ImageError as error:
            raise ZslError(f"{path}: it could be read before, and now: {error}") from error

    return read


def _identity(problem: "Problem", projection: "Projection", given: Options) -> str:
    digest = hashlib.sha256(f"{given.validation} {given.model}".encode())
    for part in (problem.target, problem.vectors, projection.features):
        digest.update(part.tobytes())
    return digest.hexdigest()
