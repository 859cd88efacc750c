"""Runs of ``zsl label`` and ``zsl index``, and what tests read of them."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress

LARGE = 240  # photographs of the fixture large_library, of which a run notes 32 at a time


def records(path):
    """The records of a JSONL file."""
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def names(path):
    """The file names in a JSONL file, in order."""
    return [os.path.basename(record["path"]) for record in records(path)]


def database(catalogues):
    """The database of the only catalogue."""
    [path] = catalogues.glob("*/catalogue.sqlite")
    return path


def change(catalogues, *statements):
    """Change the only catalogue behind the back of zsl; returns the rows of the last statement."""
    with closing(sqlite3.connect(database(catalogues), isolation_level=None)) as connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


def summary(result):
    """(read, failed, known) of the closing summary."""
    found = re.search(r"([\d,]+) photos? read, ([\d,]+) failed, ([\d,]+) known",
                      result.stderr.decode())
    return tuple(int(number.replace(",", "")) for number in found.groups())


def run_in_background(environment, cwd, *arguments):
    """One thread, so that there is time to disturb it on fast machines too."""
    return subprocess.Popen([sys.executable, "-m", "zsl_cli", *arguments, "--jobs", "1"], cwd=cwd,
                            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def done(catalogues, but=None):
    """How many photos the only catalogue has, but for one."""
    for path in catalogues.glob("*/catalogue.sqlite"):
        with suppress(sqlite3.Error), closing(sqlite3.connect(
                f"{path.as_uri()}?mode=ro", uri=True)) as connection:
            if path.parent != but:
                return connection.execute(
                    "SELECT count(*) FROM photos WHERE NOT todo").fetchone()[0]
    return 0


@contextmanager
def stopped_in_the_middle(process, catalogues, more_than=0, but=None):
    """Within it the process is stopped, its catalogue having more than so many photos. Were it to
    run on while somebody looks, it might be done before anything is done to it."""
    process.send_signal(signal.SIGSTOP)
    while done(catalogues, but) <= more_than:
        process.send_signal(signal.SIGCONT)
        time.sleep(0.02)
        assert process.poll() is None
        process.send_signal(signal.SIGSTOP)
    assert process.poll() is None
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)
