"""Where the batch is in the values of a graph, and where an operator moves it to. All shapes are
those of a batch of 1."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod

Given = tuple[Sequence[int], "Place | None"]
"""A value: its shape, and where its batch is, if it has one."""


class LostError(Exception):
    """It is not known where the batch is."""


@dataclass(frozen=True)
class Place:
    """Where the batch of a value is: its axis, and how many steps of that axis lie outside of it.
    A batch of B in an axis of ``outer * B * inner``: rows of ``[tokens * B, features]``, say."""

    axis: int
    outer: int = 1


def landings(outside: int, shape: Sequence[int]) -> list[Place]:
    """Where in a reshaped value the batch may be, with so many elements outside of it, the
    likeliest place first: between two axes it belongs to the rows of a matrix, else to what
    follows, such as heads; of axes of 1 it is the first. Raises LostError."""
    found = [Place(axis) for axis in range(len(shape)) if prod(shape[:axis]) == outside]
    for axis, size in enumerate(shape):
        before = prod(shape[:axis])
        if size > 1 and before < outside <= before * size and outside % before == 0:
            found.insert(0 if len(shape) == 2 else len(found), Place(axis, outside // before))
    if not found:
        raise LostError
    return found


def flattened(place: Place, axis: int, shape: Sequence[int]) -> Place:
    """In a matrix whose rows are the axes before ``axis``."""
    at = axis % (len(shape) + 1)
    if place.axis < at:
        return Place(0, prod(shape[:place.axis]) * place.outer)
    return Place(1, prod(shape[at:place.axis]) * place.outer)


def with_axes(place: Place, axes: Sequence[int], rank: int) -> Place:
    """With axes of 1 put in, so that there are ``rank``."""
    added = {one % rank for one in axes}
    return replace(place, axis=[at for at in range(rank) if at not in added][place.axis])


def without_axes(place: Place, axes: Sequence[int], rank: int, after: int) -> Place:
    """With some of ``rank`` axes reduced: ``after`` are left, all or the others. Raises
    LostError."""
    named = {one % rank for one in axes}
    if place.axis in named:
        raise LostError
    return replace(place, axis=place.axis - (rank > after) * sum(
        one < place.axis for one in named))


def gathered(operator: str, axis: int, data: Given, indices: Given) -> Place:
    """In what Gather, GatherElements or GatherND takes out of ``data``. Raises LostError."""
    (shape, of_data), (chosen, of_indices) = data, indices
    axis %= len(shape)
    if operator == "GatherElements":
        if of_data is None or of_data != of_indices or axis == of_data.axis:
            raise LostError
        return of_data
    if operator == "GatherND":
        if of_indices is None or of_indices.axis == len(chosen) - 1:
            raise LostError
        return of_indices
    if of_indices is not None:
        return replace(of_indices, axis=axis + of_indices.axis)
    if of_data is None or of_data.axis == axis:
        raise LostError
    return replace(of_data, axis=of_data.axis + (of_data.axis > axis) * (len(chosen) - 1))
