"""The documents say what is so: their links, options, commands, modules and Python are tried."""

import ast
import re
import shlex
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import click
import commands_page
import names_files
import pytest
from documents import DOCUMENTS, ROOT, Block, blocks, prose

from zsl_cli.cli.main import zsl as program

OPTION = re.compile(r"(?<![\w-])--[a-z][\w-]*")
OTHER_PROGRAMS = re.compile(
    r"(python3?|pip|ray|kubectl|scripts/|benchmarks/|git|ruff|find|exiftool|-n)\b")
TRIED = ("sh", "console")
PAGES = [path for path in DOCUMENTS if path.name != "commands.md"]


def commands() -> dict[tuple[str, ...], click.Command]:
    """Every command that is no group, by the words behind ``zsl``."""
    return {names[1:]: command for names, command in commands_page.commands(program)}


COMMANDS = commands()


def options_of(command: click.Command) -> set[str]:
    return {name for parameter in command.params
            for name in (*parameter.opts, *parameter.secondary_opts)} | {"--help", "--version"}


ALL_OPTIONS = set().union(*map(options_of, COMMANDS.values()))


def called(words: list[str]) -> tuple[click.Command, list[str]] | None:
    """The command that these words behind ``zsl`` call, and the rest of them."""
    for length in (2, 1):
        if command := COMMANDS.get(tuple(words[:length])):
            return command, words[length:]
    return None


def command_lines(block: Block) -> Iterator[list[str]]:
    """The words behind ``zsl`` of each command line in a block that is not an example of an
    error."""
    lines = block.text.splitlines()
    for line, answer in zip(lines, [*lines[1:], ""], strict=True):
        if answer.startswith("Error:"):
            continue
        lexer = shlex.shlex(line.removeprefix("$ "), posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        words: list[str] = []
        for token in [*lexer, ";"]:
            if set(token) <= set("|&;<>"):
                if words[:1] == ["zsl"]:
                    yield words[1:]
                words = []
            else:
                words.append(token)


def test_the_readme_is_short_and_begins_with_tagging_photos():
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert len(lines) <= 200
    top = "\n".join(lines[:20])
    for wanted in ("Tag my photos", "pip install .", "--report", "--xmp", "undo"):
        assert wanted in top


def test_quick_start_has_the_two_blocks_that_are_run_in_a_fresh_clone():
    text = (ROOT / "README.md").read_text("utf-8")
    section = text.split("\n## Quick start\n")[1].split("\n## ")[0]
    first, second = re.findall(r"^```sh\n(.*?)^```$", section, re.DOTALL | re.MULTILINE)
    assert first.splitlines()[0] == "python3 -m pip install ."
    assert "zsl classify examples/cat.jpg" in first
    assert second.splitlines() == ["python3 -m pip install -e '.[test]'", "python3 -m pytest"]


def test_the_page_of_commands_is_what_the_program_says():
    page = (ROOT / "docs/commands.md").read_text("utf-8")
    assert page == commands_page.page(), "run python tests/cli/docs/commands_page.py"


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_is_told_of_in_words(command):
    texts = [path.read_text("utf-8") for path in DOCUMENTS if path.name != "commands.md"]
    in_words = re.compile(rf"zsl {' '.join(command)}\b")
    together = re.compile(rf"`zsl {' '.join(command[:-1])} \w+`(, `\w+`)*, `{command[-1]}\b")
    assert any(in_words.search(text) or together.search(text) for text in texts)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_option_that_is_named_exists(path):
    for span in re.findall(r"`([^`]+)`", prose(path)):
        words = span.replace("\\|", "|").split()
        if OTHER_PROGRAMS.match(span) or not words:
            continue
        call = called(words[1:]) if words[0] == "zsl" else None
        known = options_of(call[0]) if call else ALL_OPTIONS
        assert set(OPTION.findall(span)) <= known, f"{path.name}: {span}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_example_is_a_command_line(path):
    for block in blocks(path, *TRIED):
        for words in command_lines(block):
            call = called(words)
            assert call, f"{path.name}: zsl {shlex.join(words)}"
            try:
                call[0].make_context(words[0], call[1])
            except click.UsageError as error:
                pytest.fail(f"{path.name}: zsl {shlex.join(words)}: {error.format_message()}")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_who_copies_all_examples_of_a_page_writes_no_file_twice_and_finds_what_is_named(path):
    made = ["default"]
    for block in blocks(path, *TRIED):
        made += re.findall(r"zsl .*[^2]> ([\w./~-]+)$", block.text, re.MULTILINE)
        for words in command_lines(block):
            made += [value for option, value in pairwise(words) if option in ("-o", "--report")]
            if words[:1] == ["teach"] and "mine" not in made:
                made.append("mine")  # several commands may teach it
            for option, value in pairwise(words):
                if option in ("--model", "--vocab") and "/" not in value:
                    assert value in made, f"{path.name}: nobody has made {value}"
    assert len(made) == len(set(made)), f"{path.name}: {sorted(made)}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(path)):
        if re.match(r"https?:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), f"{path.name}: {target}"
        if anchor:
            assert anchor in anchors(file), f"{path.name}: {target}"


def anchors(path: Path) -> set[str]:
    """The anchors that a heading has on the pages that show Markdown."""
    headings = re.findall(r"^#+ (.+)$", prose(path), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_module_and_program_that_is_named_exists(path):
    text = path.read_text("utf-8")
    for name in re.findall(r"(?<![\w/.])((?:zsl_cli|benchmarks|scripts|tests|docs)/[\w./-]*[\w/])",
                           text):
        if not name.startswith("benchmarks/NAME"):
            assert (ROOT / name).exists(), f"{path.name}: {name}"


PYTHON = [pytest.param(block, id=f"{path.name}-{number}") for path in DOCUMENTS
          for number, block in enumerate(blocks(path, "python"))]


@pytest.mark.parametrize("block", PYTHON)
def test_every_python_example_runs(block, cat_jpg, coffee_png, tmp_path, monkeypatch, capsys):
    for name, photo in (("photo.jpg", cat_jpg), ("photos/n02123045_tabby/1.jpg", cat_jpg),
                        ("photos/espresso/1.png", coffee_png)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(photo.read_bytes())
    (tmp_path / "captions.csv").write_text(
        "image,caption\nespresso/1.png,a cup of coffee\nn02123045_tabby/1.jpg,a cat looks up\n")
    (tmp_path / "wn-wikt-deu.tab").write_text(names_files.tab(), "utf-8")
    monkeypatch.chdir(tmp_path)
    tree = ast.parse(block.text)
    if block.needs:
        pytest.importorskip(block.needs)
        tree.body = list(filter(_is_quick, tree.body))
    exec(compile(tree, "example", "exec"), {"__name__": "example"})
    assert block.needs or capsys.readouterr().out


def _is_quick(statement: ast.stmt) -> bool:
    """Whether a line imports names or makes a request of them; what is done then takes long, and
    has tests of its own."""
    return isinstance(statement, ast.Import | ast.ImportFrom) or (
        isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "request")


def test_no_file_speaks_of_a_part_of_the_readme_that_has_moved():
    for path in ROOT.glob("[stz]*/**/*.py"):  # scripts, tests, zsl_cli
        if path != Path(__file__):
            assert 'README.md, "' not in path.read_text("utf-8", "replace"), path
