"""Examples in the docstrings of modules use no name that they do not import or make."""

import ast
import builtins
import re
import textwrap
from pathlib import Path

import pytest

import zsl_cli

PACKAGE = Path(zsl_cli.__file__).parent
EXAMPLE = re.compile(r"(?:^(?: {4}.*)?\n)+", re.MULTILINE)


def examples():
    """Module and code of each indented part that imports something of the package."""
    for path in sorted(PACKAGE.rglob("*.py")):
        text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
        for block in EXAMPLE.findall(text + "\n"):
            if "from zsl_cli" in block:
                yield path.relative_to(PACKAGE).as_posix(), textwrap.dedent(block)


def unknown(code):
    """The names in it that are neither imported, made nor Python's own."""
    nodes = list(ast.walk(ast.parse(code)))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    known = {alias.asname or alias.name for node in nodes
             if isinstance(node, ast.Import | ast.ImportFrom) for alias in node.names}
    known |= {name.id for name in names if isinstance(name.ctx, ast.Store)} | {*dir(builtins)}
    return sorted({name.id for name in names} - known)


@pytest.mark.parametrize(("module", "code"), [*examples()])
def test_an_example_has_all_names_that_it_uses(module, code):
    assert not unknown(code), module


def test_examples_and_what_they_lack_are_found():
    assert {"authoring/exporting/__init__.py", "authoring/training/__init__.py"} <= {
        module for module, _ in examples()}
    assert unknown("from a import b\nc = b(D(1))\nprint(c)") == ["D"]
