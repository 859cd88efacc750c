"""Python in which some packages, by default click and rich, cannot be imported."""

import subprocess
import sys

_BLOCKED = """
import sys

class _NotHere:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, _NotHere())
"""


def run(code, folder, environment, blocked=("click", "rich")):
    """What the code prints, in this folder; it must end well."""
    result = subprocess.run(
        [sys.executable, "-c", f"BLOCKED = {blocked}\n{_BLOCKED}{code}"], cwd=folder,
        env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()
