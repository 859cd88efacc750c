"""A reporter that a test can ask."""

from zsl_cli.support.progress import Reporter


class Lines(list, Reporter):
    """What was said, a line each."""

    def say(self, line):
        self.append(line)
