"""Optional dependencies: one line that says what to install, in the place of an ImportError."""

from collections.abc import Iterator
from contextlib import contextmanager

from zsl_cli.errors import MissingExtraError

_PACKAGES = {"skimage": "scikit-image", "pillow_heif": "pillow-heif",
             "open_clip": "open_clip_torch", "google": "protobuf",
             "pillow_jxl": "pillow-jxl-plugin", "textual_image": "textual-image"}
"""What pip calls modules that have another name."""


@contextmanager
def needed(extra: str, purpose: str) -> Iterator[None]:
    """Within it an import that fails raises MissingExtraError.

    extra: of setup.cfg, which brings what is imported. purpose: what that is needed for.
    """
    try:
        yield
    except ImportError as error:
        module = (error.name or str(error)).partition(".")[0]
        raise MissingExtraError(_PACKAGES.get(module, module), extra, purpose) from error
