"""Writes the list of WordNet 3.0's nouns that ``zsl vocab names`` checks offsets with.

python scripts/noun_offsets.py [FOLDER]       WordNet 3.0's database files, by default where
packages put them
"""

import sys
from pathlib import Path

from zsl_cli.authoring.vocabularies import wordnet
from zsl_cli.authoring.vocabularies.names import offsets

nouns = wordnet.load(Path(sys.argv[1]) if len(sys.argv) > 1 else None)
offsets.FILE.write_bytes(offsets.compact([int(id_[1:]) for id_ in nouns.synsets]))
print(f"{offsets.FILE}: {len(nouns.synsets):,} nouns, {offsets.FILE.stat().st_size:,} bytes")
