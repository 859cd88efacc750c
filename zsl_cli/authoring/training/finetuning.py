"""The whole network after M: the second stage of DeViSE, at a lower rate."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.training.fitted import History, Trained
from zsl_cli.errors import ImageError, ZslError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import Tensor

    from zsl_cli.authoring.networks.projection import Projection
    from zsl_cli.authoring.training.examples import Examples
    from zsl_cli.authoring.training.problem import Problem
    from zsl_cli.authoring.training.schedule import Schedule
    from zsl_cli.authoring.training.session import Session
    from zsl_cli.authoring.training.start import Start

_M_RATE = 100.0
"""M learns so many times faster than the network: its change is in units of log-probabilities."""

_DECAY = 1e-4
_RESCALED = 256  # images


@dataclass(frozen=True)
class Finetuned:
    """M and the network, trained together; ``weights`` are the network's state dictionary."""

    fitted: Trained
    weights: "dict[str, Tensor]"
    history: History


def check(start: "Start", schedule: "Schedule") -> None:
    """Raise ZslError for a network that cannot be trained, before anything is."""
    from torch import fx

    if not schedule.finetune:
        return
    if isinstance(start.plan.network.module, fx.GraphModule):
        raise ZslError("`finetune`: an exported program cannot be trained; give its state dict "
                       "and `architecture`")
    if start.plan.network.text is not None:
        raise ZslError("`finetune`: the image tower would no longer fit the text tower; train M "
                       "alone")


def finetune(fitted: Trained, examples: "Examples", session: "Session", model: str,
             max_pixels: int) -> Finetuned:
    """Train M and the network together on random views of the images.

    model: what the network was read from, as it was asked for.

    Raises ZslError.
    """
    from zsl_cli.authoring.training.network import Projecting, WholeNetwork
    from zsl_cli.authoring.training.splitting import split
    from zsl_cli.authoring.training.trainer import Settings, Training, enough_memory, train

    plan, schedule = session.start.plan, session.schedule
    module = Projecting(plan.features, fitted.bare, plan.network.input, fitted.problem.unit)
    problem = fitted.problem.originals()
    _, spared = split(problem.target, schedule.validation, schedule.seed)
    with enough_memory():
        whole = WholeNetwork(
            module, [(module.change, _M_RATE), *((one, 1.0) for one in module.learned())], problem,
            _reader(examples, session, max_pixels), spared, batch_size=schedule.finetune_batch,
            device=session.device)
    settings = Settings(fitted.objective, schedule.finetune, schedule.finetune_batch,
                        schedule.finetune_rate, _DECAY, schedule.patience, schedule.seed)
    session.log.begin("training the network", schedule.finetune)
    done = train(Training(whole, settings), session.finetuning_state,
                 _identity(problem, fitted.bare, f"{schedule.validation} {model}"), session.log)
    some = np.random.default_rng(schedule.seed).permutation(len(problem.target))[:_RESCALED]
    projected = problem.unit * whole.projections(some)
    module.cpu()
    return Finetuned(fitted.moved(module.moved(), projected, some),
                     plan.features.state_dict(plan.network.module),
                     History(tuple(done.history), done.best))


def _reader(examples: "Examples", session: "Session", max_pixels: int,
            ) -> "Callable[[int, np.random.Generator | None], NDArray[np.uint8]]":
    from zsl_cli.authoring.training import augmentation
    from zsl_cli.authoring.training.examples import gone
    from zsl_cli.embedding import images

    frame = session.start.plan.network.input.preprocessing

    def read(number: int, random: "np.random.Generator | None") -> "NDArray[np.uint8]":
        path = examples.paths[number]
        try:
            if random is None:
                return images.load(path, frame, max_pixels=max_pixels)
            return augmentation.view(path, frame, random, max_pixels=max_pixels)
        except ImageError as error:
            raise gone(path, error) from error

    return read


def _identity(problem: "Problem", projection: "Projection", of: str) -> str:
    """Of what the training depends on, beside its settings."""
    digest = hashlib.sha256(of.encode())
    for part in (problem.target, problem.vectors, projection.features):
        digest.update(part.tobytes())
    return digest.hexdigest()
