"""The command line: parse, call the library, print. Only here is anything printed."""

from zsl_cli.cli.main import main

__all__ = ["main"]
