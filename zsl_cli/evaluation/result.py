"""EvaluationResult: the figures of an evaluation, and what did not count."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zsl_cli.evaluation import selective, tables
from zsl_cli.support.version import __version__

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence
    from pathlib import Path

    from zsl_cli.evaluation.left_out import LeftOut
    from zsl_cli.evaluation.measure import Outcome, Settings

_CONFIDENCE = 0.95  # of the intervals


@dataclass(frozen=True)
class EvaluationResult:
    """What came of an evaluation.

    dataset: as it was asked for.
    outcomes: one for each model and vocabulary, candidate set and constant of stacking.
    settings: how it was measured, see measure.Settings.
    left_out: what of the set did not count.
    """

    dataset: str
    outcomes: "Sequence[Outcome]"
    settings: "Settings"
    left_out: "LeftOut"

    @property
    def ok(self) -> bool:
        """Whether all of the set counted."""
        return not self.left_out

    @property
    def rows(self) -> list[tables.Row]:
        """The figures, a row an outcome; see measure.Outcome."""
        return [outcome.row for outcome in self.outcomes]

    @property
    def differences(self) -> list[tuple[str, list[int]]]:
        """The candidate sets of which rows are of different images, since the vocabularies differ
        in the classes that they know or have as seen; and how many images these rows have."""
        images: dict[str, set[tuple[Path, ...]]] = {}  # each set has a name of its own
        for outcome in self.outcomes:
            images.setdefault(outcome.candidates.name, set()).add(tuple(outcome.paths))
        return [(name, sorted(map(len, groups))) for name, groups in images.items()
                if len(groups) > 1]

    def to_json(self) -> str:
        """All of it as one JSON object, ``{"rows": […], …}``."""
        settings: dict[str, Any] = {
            "k": list(self.settings.ks), "resamples": self.settings.resamples,
            "seed": self.settings.seed, "interval": _CONFIDENCE}
        if self.settings.confidence is not None:
            settings |= {"confidence": self.settings.confidence,
                         "thresholds": list(selective.THRESHOLDS)}
        about: dict[str, Any] = {"dataset": self.dataset, "version": __version__,
                                 "settings": settings, "left_out": self.left_out.to_dict()}
        return tables.to_json(self.rows, **about)

    def to_csv(self) -> str:
        """The figures as CSV."""
        return tables.to_csv(self.rows)

    def tables(self, *, narrow: bool = False) -> list[tables.Table]:
        """The figures as tables to look at; ``narrow``: see tables.tables."""
        return tables.tables(self.rows, self.settings.ks, narrow=narrow)

    def write_page(self, path: "str | os.PathLike[str]", *, force: bool = False) -> None:
        """An HTML page with plots and photos. It replaces such a page, and any other file only
        with ``force``; raises ZslError."""
        from zsl_cli.evaluation import page, page_parts

        page_parts.write(path, page.render(
            self.outcomes, self.settings.ks,
            page_parts.about(self.dataset, self.left_out.images, self.left_out)), force=force)
