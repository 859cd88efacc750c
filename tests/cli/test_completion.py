"""What a shell is told when it asks how a command line may go on, by the program itself."""

import json
import subprocess
import sys

import click
import names_files
import pytest

from zsl_cli.cli.main import zsl as program
from zsl_cli.cli.terminal import completion, suggestions
from zsl_cli.support import folders

PATH_METAVARS = {"FILE", "FOLDER", "FOLDER...", "IMAGE...", "DATA...", "DATASET", "JSON", "M.npz",
                 "P.npz"}


@pytest.fixture
def complete(zsl):
    """What is suggested to bash for the last word of a line, as (type, value)."""

    def run(line, *, shell="bash", env=None):
        words = line.split(" ")
        asked = {"COMP_CWORD": words[-1] if shell == "fish" else str(len(words) - 1),
                 "COMP_WORDS": line if shell == "fish" else "\n".join(words)}
        result = zsl(env={"_ZSL_COMPLETE": f"{shell}_complete", **asked, **(env or {})})
        assert (result.returncode, result.stderr) == (0, b"")
        return [tuple(found.split(",", 1)) for found in result.stdout.decode().split("\n") if found]

    return run


def values(found):
    return [value for kind, value in found if kind == "plain"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_a_shell_is_printed(zsl, shell):
    result = zsl(env={"_ZSL_COMPLETE": f"{shell}_source"})
    assert result.returncode == 0
    assert b"_zsl_completion" in result.stdout


@pytest.mark.parametrize("env", [
    {"_ZSL_COMPLETE": "nonsense"}, {"_ZSL_COMPLETE": "bash_nonsense"},
    {"_ZSL_COMPLETE": "nonsense_source"}, {"_ZSL_COMPLETE": "bash_complete"},
    {"_ZSL_COMPLETE": "fish_complete", "COMP_WORDS": "zsl "},
    {"_ZSL_COMPLETE": "zsh_complete", "COMP_WORDS": "zsl", "COMP_CWORD": "x"}])
def test_what_no_shell_asks_is_refused_in_one_line(zsl, env):
    result = zsl(env=env)
    assert (result.returncode, result.stdout) == (2, b"")
    (line,) = result.stderr.decode().splitlines()
    assert line.startswith(f"Error: _ZSL_COMPLETE={env['_ZSL_COMPLETE']} ")
    assert "_source" in line


def test_commands_and_options(complete):
    assert values(complete("zsl cl")) == ["classify"]
    assert "build" in values(complete("zsl vocab "))
    assert "--xmp" in values(complete("zsl label x --x"))
    assert values(complete("zsl label x --device c")) == ["cpu", "cuda"]
    assert complete("zsl nothing x") == []


@pytest.mark.parametrize(("line", "kind"), [
    ("zsl classify ph", "file"), ("zsl label Pic", "dir"), ("zsl label Pictures -o lab", "file"),
    ("zsl label Pictures --report re", "file"), ("zsl eval pho", "file"),
    ("zsl train photos -o r", "dir"), ("zsl models calibrate mine pho", "file"),
    ("zsl models calibrate mine photos --captions c", "file"),
    ("zsl export wei", "file"), ("zsl vocab build gl", "file")])
def test_paths(complete, line, kind):
    assert [found for found, _ in complete(line)] == [kind]


def test_names_of_models_and_vocabularies(complete, tmp_path):
    for kind in folders.KINDS:
        folder = tmp_path / kind.parent / f"my-{kind.noun}"
        folder.mkdir(parents=True)
        (folder / kind.file).touch()
    env = {"ZSL_HOME": str(tmp_path)}
    for line in ("zsl classify x --model ", "zsl models verify ", "zsl train x --model ",
                 "zsl eval x --model=", "zsl models calibrate "):
        assert values(complete(line.replace("=", " = "), env=env)) == ["my-model", "default"], line
    for line in ("zsl classify x --vocab ", "zsl vocab verify ", "zsl eval x --vocab ",
                 "zsl export x --vocab ", "zsl vocab index ", "zsl vocab neighbours x --vocab ",
                 "zsl models calibrate m x --vocab "):
        found = complete(line, env=env)
        assert values(found) == ["my-vocabulary", "default"], line
        assert found[0][0] == "dir"  # click's script for bash forgets what stands before


def test_labels_by_their_beginning(complete):
    assert "tabby" in values(complete("zsl classify x --labels tab"))
    assert "animal" in values(complete("zsl label x --under anim"))
    assert "snow\\\\ leopard" in values(complete("zsl vocab neighbours snow"))
    in_fish = values(complete("zsl vocab neighbours snow", shell="fish"))  # with what it means
    assert "snow leopard" in [value.partition("\t")[0] for value in in_fish]
    assert values(complete("zsl classify x --labels n02123045")) == ["n02123045"]
    for line in ("zsl classify x --labels s", "zsl vocab show --label n"):
        assert len(complete(line)) == completion.MOST_LABELS
    assert complete("zsl classify x --labels ") == []


def test_the_last_label_of_a_list(complete):
    found = values(complete("zsl classify x --labels cat,siamese"))
    assert "cat,siamese\\\\ cat" in found
    assert all(value.startswith("cat,") for value in found)
    assert complete("zsl classify x --labels cat,") == []


def test_within_quotes_nothing_is_escaped(complete):
    env = {"COMP_WORDS": 'zsl\nvocab\nneighbours\n"snow leo', "COMP_CWORD": "3"}
    assert "snow leopard" in values(complete("", env=env))


def test_what_is_typed_stays_as_it_is(complete):
    assert "TABby" in values(complete("zsl classify x --labels TAB"))


def test_labels_of_the_vocabulary_that_the_line_names(complete, tmp_path):
    folder = tmp_path / "vocab" / "mine"
    folder.mkdir(parents=True)
    (folder / "vocabulary.json").touch()
    rows = [{"id": "1", "name": "tabloid"}, {"id": "2", "name": "x", "synonyms": ["tab, the"]},
            {"id": "3", "name": "n"}]
    (folder / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)))
    env = {"ZSL_HOME": str(tmp_path)}
    assert values(complete("zsl vocab show mine --label tab", env=env)) == [
        "tabloid", "tab,\\\\ the"]
    assert values(complete("zsl vocab neighbours --vocab mine tab", env=env)) == [
        "tabloid", "tab,\\\\ the"]
    assert values(complete("zsl classify x --vocab mine --labels tab", env=env)) == ["tabloid"]
    assert values(complete("zsl vocab show mine --label n", env=env)) == ["n"]


def test_languages_that_have_names(complete, tmp_path):
    names_files.make(tmp_path / "names" / "de")
    env = {"ZSL_HOME": str(tmp_path)}
    assert values(complete("zsl classify x.jpg --language d", env=env)) == ["de"]
    assert values(complete("zsl label x --language f", env=env)) == []


@pytest.mark.parametrize("content", [None, b"\xff", b'{"name": "tabby"', b'["tabby"]'])
def test_a_vocabulary_that_cannot_be_read_completes_nothing_and_says_nothing(
        complete, tmp_path, content):
    folder = tmp_path / "vocab" / "mine"
    folder.mkdir(parents=True)
    (folder / "vocabulary.json").touch()
    if content is not None:
        (folder / "labels.jsonl").write_bytes(content)
    env = {"ZSL_HOME": str(tmp_path)}
    assert complete("zsl vocab show mine --label tab", env=env) == []
    assert complete("zsl classify x --model nothing --labels tab") == []


def test_everything_that_takes_a_path_or_a_name_completes_it():
    context = click.Context(program, info_name="zsl")
    for path, command in suggestions.commands_below(context):
        completion.attach(command)
        for parameter in command.params:
            metavar = parameter.metavar or ""
            wanted = "NAME|" in metavar or metavar in PATH_METAVARS or isinstance(
                parameter.type, click.Path) or getattr(parameter.type, "_kind", None) is not None
            if metavar in ("NAME", "HOST:PORT"):  # something new gets a name; a cluster has one
                continue
            if wanted:
                found = parameter.shell_complete(click.Context(command, parent=context), "")
                assert found, f"{' '.join(path)}: {parameter.name}"


def test_the_script_works_in_bash(shell, zsl, tmp_path):
    (tmp_path / "zsl").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m zsl_cli\n')
    (tmp_path / "zsl").chmod(0o755)
    script = zsl(env={"_ZSL_COMPLETE": "bash_source"}).stdout.decode().replace(
        "compopt", ": compopt")  # which is for completions that readline asks for
    line = ("COMP_WORDS=(zsl vocab show --label 'snow\\ leo'); COMP_CWORD=4; "
            "_zsl_completion ./zsl; printf '%s|' \"${COMPREPLY[@]}\"")
    result = subprocess.run(["bash", "-c", f"{script}\n{line}"], env=shell, cwd=tmp_path,
                            capture_output=True, check=True)
    assert result.stdout == b"snow\\ leopard|"
