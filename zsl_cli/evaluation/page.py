"""Outcomes → one HTML file to look at: the tables, plots, the worst and the best images."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from zsl_cli.evaluation import plots
from zsl_cli.evaluation.mistakes import KINDS
from zsl_cli.evaluation.page_parts import (
    About,
    Thumbnails,
    document,
    head,
    left_out,
    plot,
    table,
)
from zsl_cli.evaluation.tables import Table, tables
from zsl_cli.support.html_page import escaped, isolated
from zsl_cli.support.wording import counted

if TYPE_CHECKING:
    from zsl_cli.evaluation.measure import Outcome

_PHOTOS = 12  # of the best, and of the worst
_OF_A_CLASS = 3  # of these at most, so that they are not all alike
_CLASSES = 15


def render(outcomes: "Sequence[Outcome]", ks: Sequence[int], about: About) -> bytes:
    """The page, in UTF-8. The thumbnails are made from the files now; one that cannot be read any
    more has none."""
    thumbnails = Thumbnails()
    content = [head(about), "<h2>Figures</h2>",
               *map(table, tables([outcome.row for outcome in outcomes], ks)),
               _plots(outcomes, ks), "<h2>In detail</h2>",
               *(_details(outcome, thumbnails, first=at == 0)
                 for at, outcome in enumerate(outcomes)),
               left_out(about)]
    return document(content)


def _title(outcome: "Outcome") -> str:
    """What tells an outcome from the others."""
    row = outcome.row
    stacked = "" if row["stacking"] is None else f", stacking {row['stacking']:.4g}"
    vocabulary = "" if row["vocabulary"] == row["model"] else f" + {row['vocabulary']}"
    return f"{row['model']}{vocabulary}, {row['candidates']}{stacked}"


def _plots(outcomes: "Sequence[Outcome]", ks: Sequence[int]) -> str:
    shown = _hits_plot(outcomes, ks) + _curves_plot(outcomes) + _risk_plot(outcomes)
    return f'<h2>Plots</h2><div class="plots">{shown}</div>' if shown else ""


def _hits_plot(outcomes: "Sequence[Outcome]", ks: Sequence[int]) -> str:
    """Nothing where there are no two k to draw a line between, or none that is small enough."""
    if len(ks) < 2:
        return ""
    places = {k: at / (len(ks) - 1) for at, k in enumerate(ks)}
    lines = [plots.Line(_title(outcome), [
        (places[k], outcome.row[f"hit@{k}"]) for k in ks
        if outcome.row[f"hit@{k}"] is not None], at, marked=True)
        for at, outcome in enumerate(outcomes)]
    lines = [line for line in lines if line.points]
    if not lines:
        return ""
    return plot("hit@k", "Share of images whose label is among the first k.",
                plots.lines("hit@k of each row", lines, across="k", up="hit@k",
                            ticks=[(places[k], str(k)) for k in ks]),
                [(line.name, line.colour) for line in lines])


def _curves_plot(outcomes: "Sequence[Outcome]") -> str:
    lines = [plots.Line(_title(outcome), list(zip(
        outcome.curve.seen.tolist(), outcome.curve.unseen.tolist(), strict=True)), at)
        for at, outcome in enumerate(outcomes)
        if outcome.curve and outcome.row["stacking"] is None]
    if not lines:
        return ""
    return plot("Seen against unseen classes", "hit@1 for all constants of calibrated stacking.",
                plots.lines("hit@1 on unseen over seen classes", lines,
                            across="seen classes", up="unseen classes"),
                [(line.name, line.colour) for line in lines])


def _risk_plot(outcomes: "Sequence[Outcome]") -> str:
    lines = [plots.Line(_title(outcome), list(zip(
        outcome.keywords.curve.coverage.tolist(), outcome.keywords.curve.risk.tolist(),
        strict=True)), at) for at, outcome in enumerate(outcomes) if outcome.keywords]
    if not lines:
        return ""
    return plot("Risk and coverage of keywords", "The share of what first keywords say that is "
                 "wrong, over how much they say, at all confidences.",
                plots.lines("Risk over coverage", lines, across="coverage", up="risk"),
                [(line.name, line.colour) for line in lines])


def _details(outcome: "Outcome", thumbnails: "Thumbnails", *, first: bool) -> str:
    row = outcome.row
    correct = outcome.ranking.ranked[:, 0] == outcome.truth
    figures = [plot("Reliability", f"Expected calibration error {row['ece']:.3f}.",
                     plots.reliability("Share of right answers over the score",
                                       outcome.reliability))]
    kinds = [(kind, row[f"wrong_{kind}"]) for kind in KINDS
             if row[f"wrong_{kind}"] is not None]
    if kinds:
        figures.append(plot(
            "Wrong first answers", f"{np.count_nonzero(~correct):,} of {len(correct):,}; what they "
            "are to the right label.", plots.shares("Kinds of wrong answers", kinds),
            [(f"{kind} {share:.0%}", at) for at, (kind, share) in enumerate(kinds)]))
    return "".join([
        f"<details{' open' if first else ''}><summary>{isolated(_title(outcome))}<small>hit@1 "
        f"{np.mean(correct):.3f}, {counted(row['labels'], 'label')}, "
        f"{counted(row['images'], 'image')}</small></summary>",
        f'<div class="plots">{"".join(figures)}</div>', table(_worst_classes(outcome)),
        _photos("Wrong, with the highest scores", outcome, ~correct, thumbnails),
        _photos("Right, with the highest scores", outcome, correct, thumbnails), "</details>"])


def _name(outcome: "Outcome", row: int) -> str:
    return outcome.vocabulary.label(row).name


def _worst_classes(outcome: "Outcome") -> Table:
    """The classes with the lowest hit@1, and what they are taken for most often."""
    truth, answers = outcome.truth, outcome.ranking.ranked[:, 0]
    labels, classes, sizes = np.unique(truth, return_inverse=True, return_counts=True)
    right = np.bincount(classes, answers == truth) / sizes
    lines = []
    for at in np.lexsort((labels, -sizes, right))[:_CLASSES].tolist():
        of_class = answers[classes == at]
        wrong = Counter(of_class[of_class != labels[at]].tolist()).most_common(1)
        label = int(labels[at])
        taken = f"{_name(outcome, wrong[0][0])} ({wrong[0][1]})" if wrong else "–"
        lines.append([_name(outcome, label), taken, f"{sizes[at]:,}", f"{right[at]:.3f}"])
    return Table("Worst classes", f"{counted(len(labels), 'class', 'classes')} in all.",
                 ["class", "mostly taken for", "images", "hit@1"], lines, texts=2)


def _photos(heading: str, outcome: "Outcome", among: "np.ndarray",
            thumbnails: "Thumbnails") -> str:
    """Images among these with the highest scores, a few of each class."""
    chosen: list[int] = []
    of_class: Counter[int] = Counter()
    for at in np.argsort(-outcome.ranking.confidence, kind="stable").tolist():
        label = int(outcome.truth[at])
        if among[at] and of_class[label] < _OF_A_CLASS and len(chosen) < _PHOTOS:
            of_class[label] += 1
            chosen.append(at)
    if not chosen:
        return ""
    items = []
    for at in chosen:
        path = outcome.paths[at]
        answer, label = int(outcome.ranking.ranked[at, 0]), int(outcome.truth[at])
        right = ("" if answer == label else f"<p>is: <strong>{isolated(_name(outcome, label))}"
                 f"</strong>, place {outcome.ranking.place[at]:,}</p>")
        items.append(f"<li>{thumbnails.of(path)}<p>{isolated(_name(outcome, answer))} "
                     f"{outcome.ranking.confidence[at]:.3f}</p>{right}"
                     f'<p class="file">{isolated(f"{path.parent.name}/{path.name}")}</p></li>')
    return f'<h3>{escaped(heading)}</h3><ul class="photos">{"".join(items)}</ul>'
