"""Corrections: photos that were said to show a label, or not to, → vectors of that label."""

from zsl_cli.classifier.corrections.derive import derive
from zsl_cli.classifier.corrections.examples import Examples
from zsl_cli.classifier.corrections.rule import Rule

__all__ = ["Examples", "Rule", "derive"]
