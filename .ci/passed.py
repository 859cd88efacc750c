"""A plugin of pytest by which one run leaves out what another has shown: the tests that passed in
it, but for those in the rooms where more installed libraries are other ways through the code.

ZSL_PASSED names the file of their ids. It is written where it isn't there, and else read.
"""

import os
from pathlib import Path

ROOMS_OF_LIBRARIES = ("tests/authoring/", "tests/embedding/")


class _Writer:
    """Notes what passed; among several processes, the one that hears of all."""

    def __init__(self, path: Path) -> None:
        self._path, self._passed, self._other = path, set(), set()

    def pytest_runtest_logreport(self, report):
        (self._passed if report.passed else self._other).add(report.nodeid)

    def pytest_sessionfinish(self):
        self._path.write_text("".join(f"{one!r}\n" for one in sorted(self._passed - self._other)))


class _Reader:
    """Leaves out what passed."""

    def __init__(self, path: Path) -> None:
        self._passed = set(path.read_text().splitlines())

    def pytest_collection_modifyitems(self, config, items):
        known = [item for item in items if repr(item.nodeid) in self._passed
                 and not item.nodeid.startswith(ROOMS_OF_LIBRARIES)]
        config.hook.pytest_deselected(items=known)
        left = set(map(id, known))
        items[:] = [item for item in items if id(item) not in left]


def pytest_configure(config):
    """Of the processes of one run, the first alone writes."""
    path = Path(os.environ["ZSL_PASSED"])
    if path.exists():
        config.pluginmanager.register(_Reader(path))
    elif "PYTEST_XDIST_WORKER" not in os.environ:
        config.pluginmanager.register(_Writer(path))
