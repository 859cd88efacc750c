"""Captioned images: files of captions, and what models make of them.

Captions say what is beside the main thing (``words``), and which photo is meant (``retrieval``).
"""

from zsl_cli.evaluation.captions.captioned import Captioned, read

__all__ = ["Captioned", "read"]
