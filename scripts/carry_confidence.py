"""Write the confidence numbers of one model folder into another.

They are fitted to photographs that the repository does not have
(docs/how-the-default-was-made.md), so a rebuilt default takes over those of before.

    python scripts/carry_confidence.py models/default build/default/models/default
"""

import sys
from pathlib import Path

from zsl_cli.authoring.calibrating import writing
from zsl_cli.support import folders

before, after = map(Path, sys.argv[1:])
writing.write(folders.read_manifest(folders.MODEL, before).confidence, after)
