"""Common knowledge about labels, written by people who know the things: ``load`` reads it."""

from .tables import Beside, Knowledge, load

__all__ = ["Beside", "Knowledge", "load"]
