"""A model of colours, and pictures of them in folders."""

from painted_sets import model, photos  # noqa: F401
