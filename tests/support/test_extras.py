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
