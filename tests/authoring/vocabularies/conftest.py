"""A small fit."""

from fits import fits_at_once, small_fit  # noqa: F401
