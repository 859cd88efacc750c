"""Python in which neither click nor rich can be imported."""

import subprocess
import sys

_BLOCKED = """
import sys

class _NotHere:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("click", "rich"):
            raise ImportError(f"{name} cannot be imported here")

sys.meta_path.insert(0, _NotHere())
"""


def run(code, folder, environment):
    """What the code prints, in this folder; it must end well."""
    result = subprocess.run([sys.executable, "-c", _BLOCKED + code], cwd=folder, env=environment,
                            capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()
