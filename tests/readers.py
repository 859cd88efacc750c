"""``zsl`` whose standard output somebody stops reading, or never read."""

import os
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
