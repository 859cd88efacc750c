"""M by one of the methods, from cached features."""

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from zsl_cli.cli.train.folder import STATE
from zsl_cli.cli.train.run import Images, Options, Teller, device_of
from zsl_cli.errors import ZslError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from zsl_cli.authoring.networks.projection import Projection
    from zsl_cli.authoring.training.losses import Objective
    from zsl_cli.authoring.training.methods import Learned
    from zsl_cli.authoring.training.problem import Problem
    from zsl_cli.cli.train.start import Start
    from zsl_cli.vocabulary.vocabulary import Label, Vocabulary

_LOSSES = {"random": "rank", "wsabie": "rank", "cross-entropy": "softmax", "ridge": "l2"}
_MARGIN = 2.0  # in units of log-probabilities: the paper's 0.1 at a temperature of 0.05
_ALL = slice(None)


@dataclass(frozen=True)
class Taught:
    """What a method has made.

    projection: M.
    problem: what it was learned from, for a network that is trained on; None for conse.
    learned: how it went.
    vectors: ``[labels, D]``, where M began with nought; rows: of them, that of each image,
        int64 ``[n]``.
    labels: theirs, if they are a vocabulary of its own.
    state_dict: the network's weights, where they were trained, too.
    """

    projection: "Projection"
    learned: "Learned"
    problem: "Problem | None" = None
    vectors: "NDArray[np.float32] | None" = None
    rows: "NDArray[np.int64] | None" = None
    labels: "tuple[Label, ...]" = ()
    state_dict: dict[str, Any] | None = None


def learn(given: Options, start: "Start", vocabulary: "Vocabulary", images: Images,
          teller: Teller) -> Taught:
    """Train M, or make it; raises ZslError."""
    import numpy as np

    from zsl_cli.authoring.training.methods import random_vectors

    classes, target = np.unique(images.rows, return_inverse=True)
    if given.method == "conse":
        return _conse(start, vocabulary, images, teller)
    if start.projection is not None:
        return _corrected(given, start, start.projection, vocabulary, images, teller)
    labels = tuple(vocabulary.label(int(row)) for row in classes)
    rows, own = np.arange(len(classes)), True
    if given.method == "softmax":
        vectors = np.eye(len(classes), dtype=np.float32)
    elif given.method == "wsabie":
        vectors = random_vectors(len(classes), given.dimension, given.seed)
    else:
        rows, own = classes, given.method == "random" or _to_features(given)
        vectors = (random_vectors(len(vocabulary), vocabulary.dimension, given.seed)
                   if given.method == "random" else _meanings(vocabulary))
        labels = tuple(vocabulary.labels)
    taught = _from_nothing(given, vectors, rows, target, images, teller)
    space = vocabulary.space
    if own:
        assert taught.vectors is not None
        names = "\n".join(label.id for label in labels).encode()
        digest = hashlib.sha256(names + taught.vectors.tobytes()).hexdigest()[:12]
        space = f"{given.output.absolute().name}-{digest}"
    return replace(taught, projection=replace(taught.projection, space=space),
                   labels=labels if own else ())


def _to_features(given: Options) -> bool:
    return given.method == "ridge" and given.direction == "to-features"


def check(given: Options, start: "Start") -> None:
    """Raise ZslError for what would do nothing with this model."""
    if given.shift is not None and start.projection is None:
        raise ZslError("--shift: M begins with nought here, and so no label has a place to keep")


def _meanings(vocabulary: "Vocabulary") -> "NDArray[np.float32]":
    """The label vectors without the label prior, which makes usual labels likelier whatever the
    image is."""
    import numpy as np

    vectors = np.array(vocabulary.vectors, np.float32)
    if vocabulary.prior_dimension is not None:
        vectors[:, vocabulary.prior_dimension:] = 0
    return vectors


def _conse(start: "Start", vocabulary: "Vocabulary", images: Images, teller: Teller) -> Taught:
    import numpy as np

    from zsl_cli.authoring.exporting import conse, heads
    from zsl_cli.authoring.training import scaling
    from zsl_cli.authoring.training.methods import Learned

    made, known = conse.projection(start.plan, vocabulary, _meanings(vocabulary))
    teller.say(f"{known} of the classifier's {len(made.posterior[0])} classes are in the "  # type: ignore[index]
               "vocabulary")
    features = start.plan.features
    _, projected = heads.project(made, images.features, features.classifier)
    found = scaling.temperature(projected, vocabulary.vectors, images.rows)
    return Taught(replace(made, score_temperature=found),
                  Learned(made.features, np.arange(len(np.unique(images.rows)))))


def _corrected(given: Options, start: "Start", known: "Projection", vocabulary: "Vocabulary",
               images: Images, teller: Teller) -> Taught:
    """The model's own M, and what the images change in it."""
    import numpy as np

    from zsl_cli.authoring.exporting import heads
    from zsl_cli.authoring.training import scaling
    from zsl_cli.authoring.training.problem import Problem

    # The prior's dimension, and what lies behind it, is not M's to change.
    width = vocabulary.prior_dimension or min(vocabulary.dimension, len(known.features))
    every = np.array(vocabulary.vectors[:, :width], np.float32)
    features, rows = _with_views(images)
    inputs, offset = heads.project(known, features, start.plan.features.classifier)
    offset = np.ascontiguousarray(offset[:, :width])
    # Without a radius every projection is divided by its own length.
    radius = known.radius or scaling.usual_length(offset)
    classes, target = np.unique(rows, return_inverse=True)
    problem = Problem(inputs, target, every[classes], offset, radius,
                      known.score_temperature or 0.05, len(images.views) + 1)
    learned = _by_method(given, problem, every, classes, teller)
    moved = known.features.copy()
    moved[:width] += learned.change
    return shifted(Taught(replace(known, features=moved), learned, problem), 1)


def shifted(taught: Taught, sign: int) -> Taught:
    """With the shift of the trained labels put on M's bias, or taken off it."""
    shift, known = taught.learned.shift, taught.projection
    if shift is None:
        return taught
    import numpy as np

    bias = np.zeros(len(known.features), np.float32) if known.bias is None else known.bias.copy()
    bias[:len(shift)] += sign * shift
    return replace(taught, projection=replace(known, bias=bias))


def _from_nothing(given: Options, vectors: "NDArray[np.float32]", rows: "NDArray[np.int64]",
                  target: "NDArray[np.int64]", images: Images, teller: Teller) -> Taught:
    """M that begins with nought, on features of unit length."""
    import numpy as np

    from zsl_cli.authoring.networks.projection import Projection
    from zsl_cli.authoring.training.methods import with_slack
    from zsl_cli.authoring.training.problem import Problem
    from zsl_cli.authoring.training.scaling import unit_rows

    features, _ = _with_views(images)
    inputs = unit_rows(features)
    constant = given.method == "softmax"  # a classifier has a bias, DeViSE's M has none
    if constant:
        inputs = np.hstack([inputs, np.ones((len(inputs), 1), np.float32)])
    problem = Problem(inputs, np.tile(target, len(images.views) + 1), vectors[rows],
                      copies=len(images.views) + 1)
    learned = _by_method(given, problem, vectors, rows, teller)
    change, bias = learned.change, None
    projected = inputs[:len(target)] @ change.T
    if constant:
        change, bias = np.ascontiguousarray(change[:, :-1]), change[:, -1].copy()
    projection = Projection(change, bias=bias, unit_features=True)
    if _to_features(given):  # there the labels are mapped, and images stay where they are
        vectors = unit_rows(vectors @ change)
        projected = inputs[:len(target)]
        projection = Projection(np.eye(inputs.shape[1], dtype=np.float32), unit_features=True)
    if given.method == "wsabie":  # a label's slack takes no part: its length is what was learned
        assert learned.vectors is not None
        vectors = with_slack(learned.vectors)
        projection = replace(projection, features=np.vstack([change, np.zeros_like(change[:1])]))
    if given.method == "softmax":  # with a radius the products are the logits themselves
        vectors = np.hstack([vectors, np.zeros((len(vectors), 1), np.float32)])
        projection = replace(projection, radius=1.0)
    return rescaled(Taught(projection, learned, problem, vectors, rows[target]), projected)


def rescaled(taught: Taught, projected: "NDArray[np.float32]",
             images: "NDArray[np.int64] | slice" = _ALL) -> Taught:
    """With the radius, or the temperature, that suits what M makes of training images.

    projected: ``[n, D]``, as M began with nought, without a dimension that is nought for all.
    images: which ones these are.
    """
    from zsl_cli.authoring.training import scaling

    assert taught.problem is not None
    assert taught.vectors is not None
    assert taught.rows is not None
    made = taught.projection
    if made.radius is not None:
        radius = scaling.radius(projected)
        made = replace(made, radius=radius, score_temperature=taught.problem.temperature / radius)
    else:
        made = replace(made, score_temperature=scaling.temperature(
            projected, taught.vectors, taught.rows[images]))
    return replace(taught, projection=made)


def _with_views(images: Images) -> "tuple[NDArray[np.float32], NDArray[np.int64]]":
    """Features and labels of the images and then of their views."""
    import numpy as np

    features = np.concatenate([images.features, *images.views])
    return features, np.tile(images.rows, len(images.views) + 1)


def objective_of(given: Options, problem: "Problem") -> "Objective":
    """What the method makes small."""
    from zsl_cli.authoring.training.losses import Objective

    margin = _MARGIN * problem.temperature if given.margin is None else given.margin
    return Objective(_LOSSES.get(given.method, given.method), margin, given.negatives,
                     given.samples)


def _by_method(given: Options, problem: "Problem", every: "NDArray[np.float32]",
               rows: "NDArray[np.int64]", teller: Teller) -> "Learned":
    from zsl_cli.authoring.training import methods
    from zsl_cli.authoring.training.trainer import Settings

    if given.method == "ridge":
        return methods.ridge(problem, 0.01 if given.decay is None else given.decay,
                             given.direction)
    batch = given.batch_size or min(64, max(4, len(problem.target) // 8))
    settings = Settings(objective_of(given, problem), given.epochs, batch,
                        given.learning_rate, 0.0, given.patience, given.seed)

    def choosing(total: int) -> Any:
        teller.bar.start("choosing how much to keep", total, "trials")
        return teller.bar.advance

    def begin() -> None:
        teller.begin("training M", given.epochs)

    found = methods.gradient(
        problem, settings, validation=given.validation, all_vectors=every, rows=rows,
        state=given.work / STATE, decay=given.decay, shift=given.shift,
        learn_vectors=given.method == "wsabie", device=device_of(given), progress=teller,
        choosing=choosing, begin=begin)
    if found.choice is not None:
        teller.say(f"chosen by holding out classes: decay {found.choice.decay:g}, trained labels "
                   f"lowered by {found.choice.shift:g}; hit@1 of classes trained on "
                   f"{100 * found.choice.seen:+.1f} points, of classes left out "
                   f"{100 * found.choice.unseen:+.1f}")
    return found
