"""``python -m zsl_cli`` is ``zsl``."""

from zsl_cli.cli import main

main()
