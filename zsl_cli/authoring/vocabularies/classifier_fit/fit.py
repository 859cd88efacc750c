"""Label vectors and the projection onto them, from a classifier's weights and no photograph.

With v̂ the unit features of an image and p the probabilities of the C seen classes, the score of
label y, in nats, is

    score(y) = a ⟨l_y, v̂⟩ + Σ_s p_s c(y, s) + prior(y)

1. **Visual vectors** l_y: kernel ridge regression from what is known of a label (its place in
   WordNet, its text) to the unit rows of the classifier, whose cosine with an image is what the
   CNN learned. It is DeViSE's t · M v with the regression turned round, toward the visual space
   (Shigeto et al., 2015; Wang et al., 2018). Seen labels keep their own row, and labels of which
   it is written down what they look like (``looks.py``) have that: both are what the regression
   learns from, so that it hands looks on to their kin.
2. **ConSE** (Norouzi et al., 2014): the classifier's probabilities, carried to labels that look or
   read alike, and to those one or two steps above a seen class.
3. A prior toward labels that are usual in pictures (``prior.py``).

What is seen beside other things has a second vector (``beside.py``). The first two are one bilinear
form, ``B q`` with ``q = [v̂; p]``, and are reduced to D dimensions so that scores of images are kept
best: B is factorised in the metric of E[q qᵀ] (a weighted low-rank approximation, Eckart and Young,
1936). The prior is one more dimension in which every image has the same entry. Two slack
dimensions, each zero on the other side, make all vectors unit vectors without a change of any
product (Neyshabur and Srebro, 2015).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.authoring.vocabularies.classifier_fit import kernels
from zsl_cli.authoring.vocabularies.classifier_fit.beside import Beside
from zsl_cli.authoring.vocabularies.classifier_fit.looks import Looks
from zsl_cli.support.vectors import unit_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_matrix

    Array = NDArray[np.float32]


@dataclass(frozen=True)
class Settings:
    """What the fit is told. Chosen by holding out seen classes, 200 of 1,000 at a time; the
    weights of the parts also by the sets that ``benchmarks/accuracy.py`` prints.

    dimension: of the reduced form, prior and slack not counted.
    tree_weight, text_width, ridge: the kernel of 1 and its regularisation; looks_ridge: for what a
        label is written to look like, which is less sure than a classifier's own row.
    visual, conse, above: the weights of the three parts of the score, in nats.
    conse_width: the text kernel's width in 2. conse_looks: the share of looks in it, where they
        are written down.
    beside_ridge, beside_direction, beside_probability: λ, α and κ of ``beside.py``.
    temperature: of the softmax that gives p.
    seen_weight, beside_weight: how much a seen label, and what stands beside, counts when the
        form is reduced; the others count by their prior, one on the average.
    feature_length: how long the CNN's features of photographs are on the average, for the imagined
        ones to have probabilities as theirs. The default is that of EfficientNet-Lite0's 1,280
        averages of ReLU6 outputs; a classifier with other features has another.
    """

    dimension: int = 448
    tree_weight: float = 0.7
    text_width: float = 0.5
    ridge: float = 0.05
    looks_ridge: float = 1.0
    visual: float = 24.0
    conse: float = 17.0
    conse_width: float = 0.4
    conse_looks: float = 0.4
    above: float = 6.0
    temperature: float = 0.85
    beside_ridge: float = 1.0
    beside_direction: float = 9.5
    beside_probability: float = 2.0
    seen_weight: float = 60.0
    beside_weight: float = 20.0
    feature_length: float = 15.6


@dataclass(frozen=True)
class Classifier:
    """The last layer of the CNN: weights ``[C, F]``, bias ``[C]``, and the row of the label
    that each class is, ``[C]``."""

    weights: "Array"
    bias: "Array"
    labels: "NDArray[np.int64]"


_CHUNK = 1024  # labels whose kernel is in memory at once
_BEHIND = 3
"""Dimensions of a fitted label vector behind its meaning: the prior, then the labels' slack and
the images'."""


@dataclass(frozen=True)
class Fit:
    """Label vectors ``[labels, D]``, unit norm; the three arrays of a projection onto them; and
    the scale of both.

    An image's embedding is ``(features · v̂ + posterior · p + bias, √(radius² - ‖·‖²)) / radius``,
    and its product with a label vector times ``nats`` is the score. Its product with one of the
    vectors ``beside [m, D]`` times ``nats`` is the log-odds that the thing is in the image.
    """

    vectors: "Array"
    beside: "Array"
    features: "Array"
    posterior: "Array"
    bias: "Array"
    radius: float
    nats: float

    @property
    def prior_dimension(self) -> int:
        """Where the label prior stands in a vector; its meaning stands before that."""
        return self.vectors.shape[1] - _BEHIND

    @property
    def slack_dimension(self) -> int:
        """Where what fills a label vector up to unit length stands."""
        return self.prior_dimension + 1

    @property
    def score_temperature(self) -> float:
        """What an inner product is divided by to be a log-probability."""
        return 1 / self.nats


def fit(tree: "csr_matrix", texts: Sequence["Array"], above: "Array", prior: "Array",
        classifier: Classifier, settings: Settings, looks: Looks | None = None,
        beside: Beside | None = None) -> Fit:
    """Fit label vectors and projection.

    tree: of all labels, from kernels.tree_features.
    texts: unit text vectors ``[labels, d]``; the first, of names and definition, are for 1, the
        mean of all their kernels is for 2.
    above: ``[labels, C]``, from kernels.right_above.
    prior: ``[labels]``, nats.
    """
    seen, classes = classifier.labels, len(classifier.labels)
    looks = looks or Looks(np.empty(0, np.int64), np.empty((0, classes), np.float32))
    beside = beside or Beside(np.empty(0, np.int64), np.empty((0, classes), np.float32),
                              np.empty(0, np.float32))
    visual = visual_vectors(tree, texts[0], classifier, looks, settings)
    alike = np.mean([kernels.text_kernel(vectors, vectors[seen], settings.conse_width)
                     for vectors in texts], axis=0)
    alike = looks.carried_by(alike, settings.conse_looks)
    alike -= alike.mean(axis=0)  # what every label gets alike ranks none
    form = np.vstack([
        np.hstack([settings.visual * visual, settings.conse * alike + settings.above * above]),
        beside.form(classifier.weights, settings.beside_ridge, settings.beside_direction,
                    settings.beside_probability)])

    importance = np.exp(np.clip(prior, -4, 4))
    importance /= importance.mean()
    importance[seen] = settings.seen_weight
    importance = np.append(importance, np.full(len(beside.rows), settings.beside_weight,
                                               importance.dtype))
    images = imagined_images(classifier, texts[0][seen], settings.temperature,
                             settings.feature_length)
    vectors, projection = reduce(form, images, importance, settings.dimension)
    return _as_unit_vectors(vectors[:len(prior)], vectors[len(prior):], projection, prior,
                            beside.base, images, visual.shape[1])


def visual_vectors(tree: "csr_matrix", text: "Array", classifier: Classifier, looks: Looks,
                   settings: Settings) -> "Array":
    """Unit vectors ``[labels, F]`` near those of alike labels: ``K (K_aa + R)⁻¹ T`` for the labels
    a whose vectors T are known, rows of the classifier and what is written down, which stay as
    they are."""
    from scipy.linalg import solve

    rows = unit_rows(classifier.weights)
    known = np.append(classifier.labels, looks.rows)
    targets = np.vstack([rows, looks.vectors(rows)])

    def kernel(labels: "NDArray[np.int64]") -> "Array":
        alike = (tree[labels] @ tree[known].T).toarray().astype(np.float32)
        return settings.tree_weight * alike + kernels.text_kernel(
            text[labels], text[known], settings.text_width)

    noise = np.repeat([settings.ridge, settings.looks_ridge], [len(rows), len(looks.rows)])
    gram = kernel(known).astype(np.float64) + np.diag(noise)
    coefficients = solve(gram, targets, assume_a="pos").astype(np.float32)
    labels = np.arange(len(text))
    vectors = np.vstack([kernel(some) @ coefficients
                         for some in np.array_split(labels, max(1, len(labels) // _CHUNK))])
    vectors[known] = targets
    return unit_rows(vectors)


def imagined_images(classifier: Classifier, sentences: "Array", temperature: float,
                    feature_length: float, count: int = 30_000) -> "Array":
    """Stand-ins for ``q = [v̂; p]`` of photographs, ``[count, F + C]``.

    Features are a mixture of three classes that read alike, in two to four times as much noise:
    so a photograph's features stand at a cosine of 0.2 to 0.4 to the row of its class.
    """
    random = np.random.default_rng(0)
    classes, width = classifier.weights.shape
    closeness = np.exp((sentences @ sentences.T - 1) / 0.15)
    np.fill_diagonal(closeness, 0)
    cumulative = (closeness / closeness.sum(axis=1, keepdims=True)).cumsum(axis=1)
    mixture = np.zeros((count, classes), np.float32)
    shares = random.dirichlet([0.6] * 3, size=count)
    first = random.integers(classes, size=count)
    each = np.arange(count)
    mixture[each, first] = shares[:, 0]
    for part in (1, 2):
        other = (cumulative[first] < random.random(count)[:, None]).sum(axis=1)
        mixture[each, np.minimum(other, classes - 1)] += shares[:, part]
    noise = unit_rows(random.normal(size=(count, width)).astype(np.float32))
    features = unit_rows(mixture @ unit_rows(classifier.weights)
                    + random.uniform(2, 4, (count, 1)).astype(np.float32) * noise)
    logits = feature_length * features @ classifier.weights.T + classifier.bias
    return np.hstack([features, softmax((logits / temperature).astype(np.float32))])


def reduce(form: "Array", images: "Array", importance: "Array",
           dimension: int) -> tuple["Array", "Array"]:
    """``Y [labels, D]`` and ``P [D, F + C]`` with ``Y P ≈ form``: among all of rank D those that
    keep the scores ``form · q`` of the given images best, labels counted by importance."""
    from scipy.linalg import eigh

    moment = images.T @ images / len(images)
    values, directions = eigh(moment.astype(np.float64))
    scales = np.sqrt(np.maximum(values, values[-1] * 1e-6))
    whitened = form @ (directions * scales).astype(np.float32)
    weighted = whitened * np.sqrt(importance)[:, None]
    size = len(values)
    _, axes = eigh((weighted.T @ weighted).astype(np.float64),
                   subset_by_index=[size - dimension, size - 1])
    labels = whitened @ axes.astype(np.float32)
    return labels, ((directions / scales) @ axes).T.astype(np.float32)


def _as_unit_vectors(labels: "Array", beside: "Array", projection: "Array", prior: "Array",
                     base: "Array", images: "Array", width: int) -> Fit:
    """Add the prior's dimension and the two slack dimensions."""
    dimension = projection.shape[0]
    lengths = np.linalg.norm(images @ projection.T, axis=1)
    level = float(lengths.mean())  # every image's entry in the prior's dimension
    radius = float(1.5 * np.hypot(lengths.max(), level))
    vectors = np.hstack([labels, prior[:, None] / level])
    longest = float(np.linalg.norm(vectors, axis=1).max())
    vectors /= longest
    slack = np.sqrt(np.maximum(1 - np.square(vectors).sum(axis=1, keepdims=True), 0))
    vectors = np.hstack([vectors, slack, np.zeros_like(slack)]).astype(np.float32)
    odds = np.hstack([beside, base[:, None] / level, np.zeros((len(base), 2))]) / longest
    rows = np.zeros((dimension + 2, projection.shape[1]), np.float32)
    rows[:dimension] = projection
    bias = np.zeros(dimension + 2, np.float32)
    bias[dimension] = level
    return Fit(vectors, odds.astype(np.float32), rows[:, :width], rows[:, width:], bias, radius,
               radius * longest)


def softmax(logits: "Array") -> "Array":
    """Along the rows."""
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)
