"""Layout: where in a sidecar keywords go."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Layout:
    """Where keywords go.

    parents: whether flat lists have the words above a keyword, too.
    root: what all of zsl's lie under in hierarchical lists; empty for nothing. It is no word for
        what is in a photo, so that no flat list has it.
    """

    parents: bool = True
    root: str = ""


LAYOUT = Layout()
