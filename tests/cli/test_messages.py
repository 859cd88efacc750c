"""Messages of the library name parameters, which the command line says as its options."""

import ast
import re
from pathlib import Path

import click
import pytest

import zsl_cli
from zsl_cli import errors
from zsl_cli.cli.main import zsl

PACKAGE = Path(zsl_cli.__file__).parent
OPTION = re.compile(r"(?<![\w!<-])--[a-z]")
PARAMETER = re.compile(r"`([a-z][a-z_]*)(?:=|`)")
NOT_OURS = re.compile(r"pip install --no-deps|git lfs --\w+")  # other programs' options
PAGES = {  # written into folders, for readers of the command line
    "authoring/exporting/card.py"}


def parameters(command):
    """What click calls the parameters of a command and of all below it, the singular of what may
    be repeated too."""
    names = {name for param in command.params for name in (
        param.name, *([param.name.removesuffix("s")] if param.multiple else []))
        if isinstance(param, click.Option)}
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            names |= parameters(command.get_command(context, name))
    return names


def texts(tree):
    """Line and text of each string that is no docstring, f-strings with their fields as
    ``{…}``."""
    documentation = {id(node.value) for node in ast.walk(tree)
                     if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)}
    within = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
              for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield node.lineno, "".join(part.value if isinstance(part, ast.Constant) else "{…}"
                                       for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and (
                id(node) not in documentation | within):
            yield node.lineno, node.value


def library():
    return sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob("*.py")
                  if path.relative_to(PACKAGE).parts[0] not in ("cli", "embedded"))


@pytest.mark.parametrize("module", library())
def test_the_library_names_parameters_and_no_options(module):
    known = parameters(zsl)
    for line, text in texts(ast.parse((PACKAGE / module).read_text("utf-8"))):
        if module in PAGES:
            continue
        options = OPTION.findall(NOT_OURS.sub("", text))
        assert not options, f"{module}, line {line}: an option, {text!r}"
        unknown = [name for name in PARAMETER.findall(text) if name not in known]
        assert not unknown, f"{module}, line {line}: no parameter of any command: {unknown}"
        free = [match[1] for match in errors.PARAMETER.finditer(text)]
        assert free == PARAMETER.findall(text), f"{module}, line {line}: one doesn't stand free"


def test_what_is_looked_for_is_found():
    said = list(texts(ast.parse('"""--doc"""\nx = f"give {x} --force" "`no_such`"\n')))
    assert [text for _, text in said] == ["give {…} --force`no_such`"]
    assert OPTION.search(said[0][1])
    assert not OPTION.search("<!--content--> a--b")
    assert PARAMETER.findall("`oov=skip` or `force`") == ["oov", "force"]
    assert {"force", "oov", "architecture", "templates", "template"} <= parameters(zsl)


@pytest.mark.usefixtures("any_file_name")
def test_a_name_in_backquotes_is_no_parameter(zsl, cat, tmp_path):
    cat.save(tmp_path / "`top`.jpg")
    result = zsl("classify", "`top`.jpg", "`jobs`.jpg", "--max-pixels", "1000")
    assert sorted(result.stderr.decode().splitlines()[:2]) == [
        "zsl: `jobs`.jpg: no such file",
        "zsl: `top`.jpg: its 135,300 pixels exceed the limit of 1,000 pixels; if you trust the "
        "file, raise the limit with --max-pixels"]
    result = zsl("classify", "`top`.jpg", "--model", "`jobs`")
    assert b"no model called '`jobs`'" in result.stderr
