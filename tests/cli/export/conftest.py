"""A small network and what is exported with it."""

from small_export import back, photos, small, word_vectors, workplace  # noqa: F401
