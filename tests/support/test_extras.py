"""What is said where an optional dependency is not there."""

import pytest

from zsl_cli.errors import MissingExtraError
from zsl_cli.support import extras


@pytest.mark.parametrize(("module", "package"), [
    ("skimage.data", "scikit-image"), ("no_such_package", "no_such_package")])
def test_a_missing_package_is_named_with_what_to_install(module, package):
    with pytest.raises(MissingExtraError, match=rf"reading needs {package}: pip install "
                                                r"'zsl-cli\[vocab\]'"), \
            extras.needed("vocab", "reading"):
        raise ImportError("no", name=module)


def test_an_interrupt_while_a_module_is_imported_is_an_interrupt():
    with pytest.raises(KeyboardInterrupt), extras.needed("vocab", "reading"):
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as stop:
            raise ImportError("initialization failed") from stop
