"""What zsl says to a command line that is none: the one that was probably meant."""

import os
import shlex
import subprocess
import sys

import click
import pytest

from zsl_cli.cli.main import zsl as program
from zsl_cli.cli.terminal import suggestions


def message(*words):
    """What the program would print for these words, in this process."""
    with pytest.raises(click.UsageError) as caught:
        program.main(args=list(words), prog_name="zsl", standalone_mode=False)
    assert caught.value.ctx is None  # click would print the usage as well
    assert "\n" not in caught.value.format_message()
    return caught.value.format_message()


def meant(*words):
    """The command line that is suggested."""
    return message(*words).partition("did you mean: ")[2]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The working folder, with a photo, a folder of photos, and other files."""
    monkeypatch.chdir(tmp_path)
    for name in ("photo.jpg", "a b.jpg", "weights.pth", "glove.txt", "Pictures/photo.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(("words", "line"), [
    (["photo.jpg"], "zsl classify photo.jpg"),
    (["photo.jpg", "--top", "3"], "zsl classify photo.jpg --top 3"),
    (["a b.jpg", "photo.jpg"], "zsl classify 'a b.jpg' photo.jpg"),
    (["-"], "zsl classify -"),
    (["Pictures"], "zsl label Pictures -o labels.jsonl"),
    (["Pictures", "--xmp"], "zsl label Pictures --xmp"),
    (["Pictures", "--top", "3"], "zsl label Pictures --top 3 -o labels.jsonl"),
    (["*.jpg"], "zsl classify '*.jpg'"),
    (["Pictures/**/*.png"], "zsl classify 'Pictures/**/*.png'"),
    (["Pictures", "photo.jpg"], "zsl classify Pictures photo.jpg"),
    (["weights.pth"], "zsl export weights.pth"),
    (["vocab", "glove.txt"], "zsl vocab build glove.txt"),
    (["vocab", "photo.jpg"], "zsl classify photo.jpg")])
def test_a_path_goes_behind_the_command_that_takes_it(here, words, line):
    assert meant(*words) == line


def test_a_path_that_begins_with_a_hyphen_is_marked_as_one(here):
    (here / "-x.jpg").touch()
    (here / "-x").mkdir()
    assert meant("--", "-x.jpg") == "zsl classify -- -x.jpg"
    assert meant("--", "-x") == "zsl label -o labels.jsonl -- -x"


def test_a_model_or_vocabulary_is_shown(here):
    assert meant("models", "default") == "zsl models show default"
    assert meant("vocab", "default") == "zsl vocab show default"
    (here / "mine").mkdir()
    (here / "mine" / "model.json").touch()
    assert meant("mine") == "zsl models show mine"


@pytest.mark.parametrize(("words", "line"), [
    (["clasify", "x"], "zsl classify x"), (["CLASSIFY", "x"], "zsl classify x"),
    (["vocab", "buld", "x"], "zsl vocab build x"), (["models", "verfy"], "zsl models verify"),
    (["build", "x", "-o", "y"], "zsl vocab build x -o y"),
    (["neighbours", "cat"], "zsl vocab neighbours cat"),
    (["biuld", "x"], "zsl vocab build x or zsl lessons rebuild x"),
    (["vocab", "label", "x"], "zsl label x"), (["models", "build"], "zsl vocab build"),
    (["list"], "zsl catalogues list or zsl models list"),
    (["tag", "x"], "zsl label x"), (["tag", "Pictures"], "zsl label Pictures -o labels.jsonl"),
    (["tag", "Pictures", "--xmp"], "zsl label Pictures --xmp"),
    (["neighbors", "x"], "zsl vocab neighbours x"),
    (["help"], "zsl --help"), (["help", "vocab", "build"], "zsl vocab build --help")])
def test_an_unknown_command_names_the_one_that_was_meant(here, words, line):
    assert meant(*words) == line


def test_every_other_word_stands_for_a_command_that_exists():
    context = click.Context(program, info_name="zsl")
    commands = {path for path, _ in suggestions.commands_below(context)}
    for word, path in suggestions.OTHER_WORDS.items():
        assert path in commands or path == ("--version",), word
        assert (word,) not in commands, f"{word} is a command by now"


@pytest.mark.parametrize(("words", "line"), [
    (["--model", "x"], "zsl classify --model x IMAGE..."),
    (["--model", "x", "photo.jpg"], "zsl classify --model x photo.jpg"),
    (["--model", "x", "gone.jpg"], "zsl classify --model x gone.jpg"),
    (["--model", "Pictures"], "zsl classify --model Pictures IMAGE..."),
    (["--xmp", "Pictures"], "zsl label --xmp Pictures"),
    (["--top", "3", "Pictures"], "zsl label --top 3 Pictures -o labels.jsonl"),
    (["--report=x.html", "Pictures"], "zsl label --report=x.html Pictures"),
    (["--top"], "zsl classify --top K IMAGE..."), (["--top=3"], "zsl classify --top=3 IMAGE..."),
    (["--top", "classify", "photo.jpg"], "zsl classify --top K photo.jpg"),
    (["--device"], "zsl classify --device 'auto|cpu|cuda[:N]' IMAGE..."),
    (["--quiet"], "zsl classify --quiet IMAGE..."),
    (["--epochs", "3"], "zsl train --epochs 3"),
    (["vocab", "--json"], "zsl vocab show --json"),
    (["-v", "label", "Pictures"], "zsl label -v Pictures"),
    (["--quantize", "int8"], "zsl export --quantize int8 CHECKPOINT"),
    (["vocab", "--label", "cat"], "zsl vocab show --label cat")])
def test_an_option_before_the_command_goes_behind_it(here, words, line):
    option = next(word for word in words if word.startswith("-")).partition("=")[0]
    assert message(*words).startswith(f"{option} stands")
    assert meant(*words) == line


def test_where_nothing_is_near_the_help_is_named(here):
    assert message("qqq") == "no command 'qqq'; zsl --help lists the commands"
    assert message("vocab", "qqq") == "no command 'vocab qqq'; zsl vocab --help lists the commands"
    assert "--qqq" in message("--qqq")


def test_a_missing_file_is_said_to_be_missing(here):
    assert message("gone.jpg") == (
        "gone.jpg: no such file, and no command; did you mean: zsl classify gone.jpg")
    assert message("gone.pth").endswith(": zsl export gone.pth")
    assert message("no/thing") == (
        "no/thing: no such file, and no command; zsl --help lists the commands")


def test_many_files_are_not_all_named(here):
    assert len(meant("photo.jpg", *["a b.jpg"] * 500)) < 200


@pytest.mark.parametrize("name", [b"\x1b[31mred.jpg", b"caf\xe9.jpg", b"a'b\\c\n.jpg",
                                  "\u202egpj.jpg".encode(), b"$(touch x).jpg"])
def test_a_suggestion_is_safe_to_show_and_gives_the_file_back_to_a_shell(
        here, name, any_file_name, shell):
    (here / os.fsdecode(name)).touch()
    line = meant(os.fsdecode(name))
    assert line.isprintable()
    echo = subprocess.run(["bash", "-c", line.replace("zsl classify", "printf %s")],
                          env=shell, capture_output=True, check=True)
    assert echo.stdout == name


def test_what_a_shell_needs_no_quotes_for_has_none():
    assert suggestions.for_shell("photo-1.jpg") == "photo-1.jpg"
    assert shlex.split(suggestions.for_shell("it's")) == ["it's"]


def test_the_program_ends_with_status_2_and_one_line(zsl, tmp_path):
    (tmp_path / "photo.jpg").touch()
    result = zsl("photo.jpg")
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.decode().splitlines() == [
        "Error: no command 'photo.jpg'; did you mean: zsl classify photo.jpg"]


@pytest.mark.parametrize("group", ["vocab", "models"])
def test_the_help_of_a_group_cuts_no_command_short(zsl, group):
    result = zsl(group, "--help", env={"COLUMNS": "80"})
    assert b"..." not in result.stdout.partition(b"Commands:")[2]


def test_a_suggestion_imports_nothing_heavy(environment):
    code = ("import sys; from zsl_cli.cli.main import zsl\n"
            "try: zsl.main(args=['clasify'], standalone_mode=False)\n"
            "except Exception as error: print(error)\n"
            "print([m for m in ('numpy', 'onnxruntime', 'rich', 'PIL') if m in sys.modules])")
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True,
                            check=True)
    assert result.stdout.decode().splitlines()[-1] == "[]"
