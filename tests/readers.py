"""``zsl`` whose standard output somebody stops reading, or never read; and on a terminal."""

import os
import re
import subprocess
import sys


def until_the_reader_goes(arguments, environment, *, lines=1, cwd=None):
    """Runs ``zsl`` and closes its standard output after so many lines of it; the exit status,
    those lines and standard error."""
    with subprocess.Popen([sys.executable, "-m", "zsl_cli", *arguments], env=environment, cwd=cwd,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        seen = b"".join(process.stdout.readline() for _ in range(lines))
        process.stdout.close()
        err = process.stderr.read()
        return process.wait(120), seen, err


def without_stream(number, arguments, environment):
    """Runs ``zsl`` with standard input (0) or output (1) closed; the exit status and standard
    error."""
    done = subprocess.run([sys.executable, "-m", "zsl_cli", *arguments], env=environment,
                          stderr=subprocess.PIPE, timeout=120, check=False,
                          preexec_fn=lambda: os.close(number))
    return done.returncode, done.stderr


def on_a_terminal(arguments, environment, terminal, *, columns, cwd):
    """Runs ``zsl`` with standard error on a terminal; the exit status, and what is seen there
    without the escape sequences."""
    leader, follower = terminal()
    process = subprocess.Popen(
        [sys.executable, "-m", "zsl_cli", *arguments], cwd=cwd, stdout=subprocess.DEVNULL,
        stderr=follower, env={**environment, "TERM": "xterm", "COLUMNS": str(columns)})
    os.close(follower)
    seen = b""
    while True:
        try:
            seen += os.read(leader, 65536)
        except OSError:  # Linux' way to say that the other end is closed
            break
    os.close(leader)
    return process.wait(30), re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", seen.decode())
