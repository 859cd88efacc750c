"""How many tests passed in a run, and why which were skipped; fails where a reason is not allowed.

usage: python .ci/skips.py JUNIT_XML RUN [RUN...]      runs as named in .ci/skips
"""

import ast
import re
import sys
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET


def allowed(runs: set[str]) -> list[re.Pattern[str]]:
    """The reasons that .ci/skips allows in one of these runs."""
    lines = Path(__file__).with_name("skips").read_text().splitlines()
    entries = [line.split(maxsplit=1) for line in lines if line and not line.startswith("#")]
    return [re.compile(reason) for run, reason in entries if run in runs | {"both"}]


def reason(skipped: ET.Element) -> str:
    """Why a test, or with one entry a whole module, was skipped."""
    if skipped.get("message") == "collection skipped":
        _, _, text = ast.literal_eval(skipped.text or "")
        return text.removeprefix("Skipped: ")
    return skipped.get("message", "")


def main(report: str, *runs: str) -> int:
    """Print the counts; the exit status."""
    cases = ET.parse(report).getroot().findall(".//testcase")
    skips = Counter(map(reason, (skipped for case in cases for skipped in case.iter("skipped"))))
    failed = sum(case.find("failure") is not None or case.find("error") is not None
                 for case in cases)
    print(f"{' '.join(runs)}: {len(cases) - skips.total() - failed:,} passed, {failed} failed, "
          f"{skips.total()} skipped{':' if skips else ''}")
    patterns = allowed(set(runs))
    unknown = 0
    for why, count in skips.most_common():
        is_allowed = any(pattern.fullmatch(why) for pattern in patterns)
        unknown += not is_allowed
        print(f"{count:6}  {why}{'' if is_allowed else '   <- NOT ALLOWED by .ci/skips'}")
    return 1 if failed or unknown else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
