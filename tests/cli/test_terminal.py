"""Tables, manifests and bars of progress as a terminal shows them."""

import io
import logging
import time

import click
import pytest
from click.testing import CliRunner
from rich.console import Console
from rich.progress import Progress

from zsl_cli.classifier.diagnosis import Finding
from zsl_cli.cli.main import zsl
from zsl_cli.cli.terminal import folder_commands, options, printing
from zsl_cli.cli.terminal.parameters import as_options
from zsl_cli.cli.terminal.progress import TerminalReporter


def test_a_list_is_a_table_on_a_terminal_and_else_cells_between_tabs():
    rows = [("default", "1", "8 labels"), ("w", "1", "9 labels")]
    head = ("name", "version", "contents")
    assert printing.table_lines(head, rows, terminal=False) == [
        "default\t1\t8 labels", "w\t1\t9 labels"]
    assert printing.table_lines(head, rows, terminal=True) == [
        "name     version  contents", "default  1        8 labels", "w        1        9 labels"]
    assert printing.table_lines((), [], terminal=True) == []


def test_what_is_said_goes_above_a_bar_and_names_options():
    command = click.Command("some", params=[
        click.Option(["--top", "-k"]), click.Option(["--quiet"], is_flag=True),
        click.Option(["--verbose"], is_flag=True)])
    for flags, heard in (([], ["zsl: say `top`\\n", "note"]), (["--quiet"], ["zsl: say `top`\\n"]),
                         (["--verbose"], ["zsl: say `top`\\n", "note", "zsl: detail"])):
        lines = []
        with command.make_context("some", flags), printing.above(lines.append):
            printing.say("say `top`\n")
            printing.note("note", before="")
            printing.detail("detail")
        assert lines == heard


@pytest.mark.parametrize(("said", "shown"), [
    ("give `force`, or `oov=skip`", "give --force, or --oov skip"),
    ("one `template` of the `templates`", "one --template of the --template"),
    ("give `feature_node`, or `device=cuda`", "give feature_node, or device=cuda"),
    ("`force` is for `NAME`", "--force is for `NAME`"),
    ("class 'my`force`' (`force`): '`oov`s'", "class 'my`force`' (--force): '`oov`s'")])
def test_a_command_names_its_own_options_and_no_others(said, shown):
    command = click.Command("some", params=[
        click.Option(["--force"]), click.Option(["--oov"]),
        click.Option(["--template", "templates"], multiple=True)])
    assert as_options(said, command) == shown


def test_the_shared_pieces_of_commands_do_not_name_options_that_a_command_lacks():
    command = zsl.get_command(click.Context(zsl), "doctor")
    assert as_options("`device=cuda` cannot be used: …", command) == "device=cuda cannot be used: …"


def test_a_value_with_backquotes_stands_behind_its_option_as_it_was_given():
    command = click.Command("some", params=[click.Option(["--oov"]), click.Option(["--top"])])
    with command.make_context("some", ["--oov", "a`top`b`"]):
        assert as_options("`oov=a`top`b``: no; a`top`b` and `top`") == (
            "--oov a`top`b`: no; a`top`b` and --top")


def test_doctor_names_no_parameter_between_quotes(monkeypatch):
    monkeypatch.setattr("zsl_cli.classifier.diagnosis.diagnose", lambda: [
        Finding("default model: `device=cuda` cannot be used", is_problem=True)])
    result = CliRunner().invoke(zsl, ["doctor", "-q"], standalone_mode=False)
    assert (result.output, result.return_value) == (
        "PROBLEM  default model: device=cuda cannot be used\n", 2)


@pytest.mark.parametrize("flags", [[], ["--quiet"]])
def test_what_the_library_logs_is_said_by_every_command_unless_it_is_quiet(flags, monkeypatch):
    log = logging.getLogger("zsl_cli")
    for name in ("handlers", "level", "propagate"):
        monkeypatch.setattr(log, name, getattr(log, name))
    monkeypatch.setattr(log, "handlers", [])  # commands that ran in this process have set one

    @click.command()
    @options.common
    def some(quiet, verbose, debug):
        logging.getLogger("zsl_cli.some.where").info("building an index")

    lines = []
    with printing.above(lines.append):
        some.main(flags, standalone_mode=False)
    assert lines == ([] if flags else ["zsl: building an index"])


def test_a_terminal_that_is_gone_is_no_reason_to_stop():
    def gone(_line):
        raise BrokenPipeError

    with printing.above(gone):
        printing.say("nobody hears this")


def test_a_manifest_is_shown_as_yaml():
    assert folder_commands._lines({"a": True, "b": None, "sources": [
        {"name": "x", "url": ["u", "v"]}, {"name": "y"}, "z"], "c": {"d": "True"}}) == [
        "a: true", "b: null", "sources:", "  - name: x", "    url:", "      - u", "      - v",
        "  - name: y", "  - z", "c:", "  d: True"]


def test_a_bar_is_redrawn_now_and_then_however_often_it_advances(monkeypatch):
    shown = []
    progress = Progress(console=Console(file=io.StringIO()))
    monkeypatch.setattr(progress, "update", lambda _task, **_what: shown.append(
        progress.tasks[0].completed))
    bar = TerminalReporter()
    bar._progress = progress
    for _ in range(2):  # what was not shown of one task is not the next one's
        shown.clear()
        bar.start("writing", 20_000)
        for _ in range(20_000):
            bar.advance(1)
        assert shown[0] == 1
        assert len(shown) < 500
    time.sleep(0.2)
    bar.advance(1, failed=1)
    assert shown[-1] == 20_001


@pytest.mark.parametrize(("total", "done", "note"), [
    (100, 30, "30 of 100 kB · 10 kB/s · 7.0 s left"),
    (20, 30, "30 of 20 kB · 10 kB/s · 0.0 s left"),
    (0, 30, "30 kB"), (None, 0, "")])
def test_a_bar_says_how_much_of_what_and_how_long(total, done, note):
    clock = [0.0]
    progress = Progress(console=Console(file=io.StringIO()), get_time=lambda: clock[0])
    bar = TerminalReporter()
    bar._progress = progress
    bar.start("reading", total, "kB")
    if done:
        progress.advance(0, 0)
        clock[0] = 3.0
    bar.advance(done)
    assert progress.tasks[0].fields["note"] == note
