"""How a training goes, whatever the method."""

from dataclasses import dataclass

from zsl_cli.authoring.training.parameters import (
    Parameter,
    check_values,
    parameter,
    parameters,
)
from zsl_cli.support.values import Range


@dataclass(frozen=True)
class Schedule:
    """Views, epochs, rates, what is held out, and the seed.

    Raises RequestError for values that are not allowed.
    """

    views: int = parameter(0, Parameter(
        Range(0, 1000, whole=True), "Also train on so many random views of each image: other parts "
        "of it, mirrored, brighter or darker.", "N"))
    epochs: int = parameter(60, Parameter(
        Range(1, 100_000, whole=True), "How often the images are gone through, at most.", "N"))
    batch_size: int | None = parameter(None, Parameter(
        Range(1, 65536, whole=True), "How many images a step is made of.", "N",
        unset="64, or an eighth of the images, but 4, where these are few"))
    learning_rate: float = parameter(0.05, Parameter(
        Range(0, open=True), "At the start; it falls to zero.", "R"))
    validation: str = parameter("image", Parameter(
        ("image", "class", "none"), "What is held out to stop early: a tenth of the images, or a "
        "fifth of the classes."))
    patience: int = parameter(20, Parameter(
        Range(0, whole=True), "Epochs in which validation gets no better, after which training "
        "stops; 0: never.", "N"))
    finetune: int = parameter(0, Parameter(
        Range(0, 100_000, whole=True), "After M alone, train the whole network on random views of "
        "the images for so many epochs.", "EPOCHS"))
    finetune_rate: float = parameter(1e-5, Parameter(
        Range(0, open=True), "Its learning rate.", "R"))
    finetune_batch: int = parameter(32, Parameter(
        Range(1, 65536, whole=True), "Its batch size.", "N"))
    seed: int = parameter(0, Parameter(
        Range(0, 2**32 - 1, whole=True), "The same seed gives the same model.", "N"))

    def __post_init__(self) -> None:
        check_values(self)


def ranges(*names: str) -> dict[str, Range]:
    """What numbers of a schedule may be, for other trainings that have them, by their names."""
    found = {name: parameters(Schedule)[name].allowed for name in names}
    return {name: allowed for name, allowed in found.items() if isinstance(allowed, Range)}
