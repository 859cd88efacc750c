"""An export where PyTorch is not installed."""

import without_click

CODE = """
from zsl_cli import ExportRequest, errors
from zsl_cli.authoring import exporting
from zsl_cli.authoring.exporting import Hints, InputOptions

request = ExportRequest("c.pth", "out", Hints("timm:resnet18", InputOptions(size=64)))
print(request.folder, request.hints.input.size)
for name in ("ExportResult", "Plan", "export", "make"):
    try:
        getattr(exporting, name)
    except errors.MissingExtraError as error:
        print(error)
try:
    from zsl_cli import export
except errors.MissingExtraError as error:
    print(error)
"""


def test_a_request_can_be_made_and_what_exports_says_what_to_install(tmp_path, environment):
    assert without_click.run(CODE, tmp_path, environment, blocked=("torch",)) == [
        "out 64", *["exporting needs torch: pip install 'zsl-cli[export]'"] * 5]
