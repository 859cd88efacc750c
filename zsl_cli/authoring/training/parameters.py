"""Parameters that are declared: what they may be, and what they do.

A dataclass has them as its fields: ``epochs: int = parameter(60, Parameter(Range(1), "…"))``.
Whoever offers them to a user finds with ``parameters`` all that is to be known.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from zsl_cli.support.values import Range, check_choice, set_numbers


@dataclass(frozen=True)
class Parameter:
    """How a field is declared.

    allowed: the values, beside a default of None.
    help: what it does, for a person.
    metavar: what stands for a value.
    unset: what a default of None comes to, in words.
    only_with: another field, and the value of it without which this one does nothing.
    only_on_a_model: whether it does something only where M goes on from a model's.
    """

    allowed: Range | tuple[str, ...]
    help: str
    metavar: str | None = None
    unset: str = ""
    only_with: tuple[str, str] | None = None
    only_on_a_model: bool = False


def parameter(default: Any, declared: Parameter) -> Any:
    """A field with this default."""
    return field(default=default, metadata={"parameter": declared})


def parameters(of: Any) -> Mapping[str, Parameter]:
    """What a dataclass, or one of its instances, declares, by name."""
    return {one.name: one.metadata["parameter"] for one in fields(of)
            if "parameter" in one.metadata}


def default_of(name: str, of: Any) -> Any:
    """The default of a field."""
    return next(one.default for one in fields(of) if one.name == name)


def check_values(of: Any) -> None:
    """Raise RequestError for a value of an instance that is not allowed. A None is, where it is the
    default."""
    for name, declared in parameters(of).items():
        if isinstance(declared.allowed, Range):
            set_numbers(of, **{name: declared.allowed})
        else:
            check_choice(name, getattr(of, name), declared.allowed)
