"""What errors say to whom."""

from zsl_cli.classifier.predictions import Prediction, csv_rows
from zsl_cli.errors import ImageError


def test_a_parameter_loses_its_quotes_in_a_record_and_nothing_else_does():
    error = ImageError("raise the limit, `max_pixels`, or `a=b`, for 'my`top`.jpg'")
    assert error.plain == "raise the limit, max_pixels, or a=b, for 'my`top`.jpg'"
    (row,) = csv_rows(Prediction("a.jpg", error=error))
    assert error.plain in row
