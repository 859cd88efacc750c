"""``python -m zsl_cli`` is ``zsl``."""

import os
import sys

# Python looks for modules in the current folder first, and a folder of photos may hold a click.py.
try:
    if not sys.flags.safe_path and os.path.samefile(sys.path[0] or os.curdir, os.curdir):
        del sys.path[0]
except OSError:  # it is there no more
    pass

from zsl_cli.cli import main

main()
