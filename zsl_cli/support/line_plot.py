"""What line plots are made of, as SVG that stands inside a page."""

from collections.abc import Iterable
from dataclasses import dataclass

from zsl_cli.support.html_page import escaped


@dataclass(frozen=True)
class Frame:
    """A drawing of so many pixels, with margins around the area in which points lie: from (0, 0),
    at the left and below, to (1, 1)."""

    width: int
    height: int
    left: int
    right: int
    top: int
    bottom: int

    def x(self, share: float) -> float:
        """The pixels from the left."""
        return round(self.left + share * (self.width - self.left - self.right), 1)

    def y(self, share: float) -> float:
        """The pixels from above."""
        return round(self.height - self.bottom - share * (self.height - self.top - self.bottom), 1)

    def polyline(self, points: Iterable[tuple[float, float]], attributes: str) -> str:
        """A line through these points; ``attributes`` say what it looks like."""
        path = " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)
        return f'<polyline {attributes} points="{path}"/>'

    def drawing(self, title: str, inner: str) -> str:
        """The drawing, with a title for those who cannot see it."""
        return drawing(title, inner, self.width, self.height)


def drawing(title: str, inner: str, width: int, height: int) -> str:
    """An SVG element of this size that takes up the width there is."""
    return (f'<svg class="plot" viewBox="0 0 {width} {height}" role="img" '
            f'aria-label="{escaped(title)}">{inner}</svg>')
