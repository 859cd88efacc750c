"""What errors say to whom."""

import csv

from zsl_cli.classifier.predictions import Prediction, csv_lines
from zsl_cli.errors import ImageError


def test_a_parameter_loses_its_quotes_in_a_record_and_nothing_else_does():
    error = ImageError("raise the limit, `max_pixels`, or `a=b`, for 'my`top`.jpg'")
    assert error.plain == "raise the limit, max_pixels, or a=b, for 'my`top`.jpg'"
    line = csv_lines(Prediction("a.jpg", error=error))
    assert next(csv.reader([line]))[5] == error.plain
