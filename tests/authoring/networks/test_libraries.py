"""Why a library fails is told in one line."""

import pytest

from zsl_cli.authoring.networks import libraries


def test_what_a_failed_import_hides_is_told():
    """As transformers says it, which imports its models when they are first asked for."""
    with pytest.raises(ModuleNotFoundError) as hidden:
        try:
            raise RuntimeError("operator torchvision::nms does not exist")
        except RuntimeError as error:
            raise ModuleNotFoundError("Could not import module 'BertModel'. Are this object's "
                                      "requirements defined correctly?") from error
    assert libraries.failure(hidden.value) == (
        "operator torchvision::nms does not exist; the installed torchvision belongs to another "
        "torch: install the one for this torch, or uninstall it")


@pytest.mark.parametrize(("error", "line"), [
    (OSError("a\n  b"), "a b"), (ValueError(), "ValueError"), (ValueError("x" * 400), "x" * 300)])
def test_a_failure_is_one_line(error, line):
    assert libraries.failure(error) == line
