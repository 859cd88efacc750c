"""What holds for every test: that it asks for what it needs of the machine, and is read easily."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MODULES = sorted(HERE.rglob("*.py"))
TESTS = [path for path in MODULES if path.name.startswith("test_") and path != Path(__file__)]
SKIPS = HERE.parent / ".ci" / "skips.py"
# What looks at the machine; tests/machine.py alone does, and gives it to tests as fixtures.
LOOKS = ("pytest.mark.skipif", "pytest.skip", "shutil.which", "os.geteuid", "os.getuid",
         "torch.cuda.is_available", "Path.home", "os.path.expanduser")
PLACES = ("/usr/", "/dev/full", "/bin/")


def dotted(node):
    """``a.b.c`` of an attribute of an attribute of a name."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return getattr(node, "id", "")


def looks(node):
    """What a piece of code looks for on the machine, or None."""
    if isinstance(node, ast.Attribute) and dotted(node) in LOOKS:
        return dotted(node)
    if isinstance(node, ast.Constant) and str(node.value).startswith(PLACES):
        return node.value
    if isinstance(node, ast.Call) and dotted(node.func).startswith("subprocess.") and not any(
            dotted(keyword.value) == "shell" for keyword in node.keywords):  # of tests/machine.py
        for argument in node.args:
            first = argument.elts[0] if getattr(argument, "elts", ()) else argument
            if isinstance(first, ast.Constant):
                return f"the program {first.value}"
    return None


def test_what_is_needed_of_the_machine_is_asked_for_by_a_fixture():
    assert [f"{path}, line {node.lineno}: {what}" for path in TESTS
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if (what := looks(node))] == []


def test_no_module_has_more_than_400_lines():
    package = (HERE.parent / "zsl_cli").rglob("*.py")
    assert [str(path) for path in (*package, *MODULES)
            if len(path.read_text(encoding="utf-8").splitlines()) > 400] == []


def test_what_tests_share_is_no_test():
    tests = {"conftest", *(path.stem for path in TESTS)}
    assert [(path, node.module) for path in MODULES
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and node.module in tests] == []


def test_nothing_of_the_user_or_the_machine_is_seen(environment, home):
    code = ("import os, shutil; from pathlib import Path;"
            "print([*filter(shutil.which, ('sh', 'ls', 'gcc', 'git'))],"
            "[name for name in os.environ if name.startswith(('ZSL_', 'COLUMNS', 'FORCE_'))],"
            "Path.home())")
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True,
                            text=True, check=True)
    assert result.stdout == f"[] [] {home}\n"


@pytest.fixture
def counted(tmp_path):
    """What .ci/skips.py says of tests that were skipped for these reasons."""

    def count(run, *reasons):
        skipped = "".join(f'<testcase name="s"><skipped message="{reason}"/></testcase>'
                          for reason in reasons)
        (tmp_path / "r.xml").write_text(
            f'<testsuites><testsuite><testcase name="a"/>{skipped}<testcase name="m">'
            """<skipped message="collection skipped">('a.py', 3, "Skipped: needs the photographs """
            'in ../shared/data")</skipped></testcase></testsuite></testsuites>')
        return subprocess.run([sys.executable, SKIPS, tmp_path / "r.xml", *run.split()],
                              capture_output=True, text=True, check=False)

    return count


def test_skips_are_counted_with_their_reasons(counted):
    result = counted("bare", "chromium is not installed", "chromium is not installed")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == ("bare: 1 passed, 0 failed, 3 skipped:\n"
                             "     2  chromium is not installed\n"
                             "     1  needs the photographs in ../shared/data\n")


@pytest.mark.parametrize(("run", "reason"), [
    ("full", "chromium is not installed"), ("bare", "it is Monday"),
    ("full no-programs", "could not import 'torch': No module named 'torch'")])
def test_a_skip_for_another_reason_fails(counted, run, reason):
    result = counted(run, reason)
    assert result.returncode == 1
    assert f"{reason}   <- NOT ALLOWED by .ci/skips" in result.stdout
    assert counted("full no-programs", "WordNet is not installed").returncode == 0
