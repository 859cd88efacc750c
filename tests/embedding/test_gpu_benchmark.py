"""benchmarks/gpu.py, as far as it goes without a card."""

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "gpu.py"


@pytest.fixture
def run(environment, tmp_path):
    """Runs it, in an empty folder."""
    return lambda *arguments: subprocess.run(
        [sys.executable, PROGRAM, *map(str, arguments)], cwd=tmp_path, env=environment,
        capture_output=True, text=True, timeout=120, check=False)


def test_without_cuda_one_line_says_what_is_missing(run):
    result = run()
    assert (result.returncode, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith("benchmarks/gpu.py: device=cuda cannot be used: ")


def test_a_trial_on_the_cpu_goes_through_all_of_it_and_says_that_it_is_one(run, library):
    result = run("--device", "cpu", "--model", "default", "--photos", library, "--images", 16,
                 "--seconds", 0.01, "--jobs", 1)
    assert (result.returncode, result.stderr) == (0, "")
    title, *rest = result.stdout.splitlines()
    assert title == "# A trial on the CPU: no figure here is of a graphics card"
    assert "         Nothing is wrong." in rest or "Nothing is wrong." in rest
    rows = dict(line.strip("| ").split(" | ") for line in rest if line.startswith("| "))
    assert rows.pop("default") == "trial, CPU"
    assert list(rows) == ["encoder alone, 8 at once", "decoding alone", "end to end, 16 photos",
                          "cpu waits", "least and mean cosine with the CPU"]
    assert rows["least and mean cosine with the CPU"].startswith("1.0000")
