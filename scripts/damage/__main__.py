"""Damages the input of every reader at random, and looks at what the readers make of it.

    python scripts/damage --minutes 60 [--seed N] [--only images,sidecars] [--keep FOLDER]

Good input is made, damaged (tests/damage.py) and read (tests/damaged_readers.py), in a process that
is watched; of every so many, by the real command line, too. Each reader has the same time. A fault
is whatever is neither a result nor an error of zsl's own: another exception, a traceback, ten
seconds of computing, a gigabyte of memory, a process that dies, a byte that is changed.
Faults are printed, their input is kept, and the exit status is 1.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests"))

from commands import run as run_command
from damaged import write
from damaged_readers import READERS
from watched import Fault, Watched

EVERY = 60  # of the inputs, one goes through the command line as well
SHOWN = 3  # so many inputs of one fault are kept


class Run:
    """What has been tried, and what came of it."""

    def __init__(self, seed: int, keep: Path) -> None:
        self.seed, self.keep = seed, keep
        self.counts: dict[str, Counter[str]] = {}
        self.faults: Counter[str] = Counter()

    def read(self, name: str, seconds: float, every: int) -> None:
        """Give a reader damaged input for so long."""
        reader, counts = READERS[name], self.counts.setdefault(name, Counter())
        end, number = time.monotonic() + seconds, 0
        with Watched() as watched:
            watched.warm(name)
            while time.monotonic() < end:
                number += 1
                chance = random.Random(f"{self.seed} {name} {number}")
                sample, files = reader.damaged(chance)
                with tempfile.TemporaryDirectory(prefix="zsl-damage-") as folder:
                    write(Path(folder), files)
                    result = watched.read(name, Path(folder))
                    changed = reader.changed(files, Path(folder))
                counts["tried"] += 1
                counts["fault" if isinstance(result, Fault) or changed else result] += 1
                where = f"{name}, {sample}, seed {self.seed}, number {number}"
                if isinstance(result, Fault):
                    self._tell(where, result, files)
                if changed:
                    self._tell(where, Fault(f"changed: {changed}"), files)
                if reader.commands and number % every == 0:
                    self._command(reader, chance, files, where, counts)

    def _command(self, reader, chance, files, where, counts) -> None:
        with tempfile.TemporaryDirectory(prefix="zsl-damage-") as folder:
            write(Path(folder), files)
            arguments = [part.format(name=chance.choice(sorted(files)))
                         for part in chance.choice(reader.commands)]
            fault = run_command(arguments, Path(folder))
            changed = reader.changed(files, Path(folder))
        counts["commands"] += 1
        if fault or changed:
            counts["fault"] += 1
            self._tell(f"{where}: zsl {' '.join(arguments)}", fault or Fault(
                f"changed: {changed}"), files)

    def _tell(self, where: str, fault: Fault, files) -> None:
        self.faults[fault.kind] += 1
        if self.faults[fault.kind] > SHOWN:
            return
        folder = self.keep / f"{len(self.faults)}-{self.faults[fault.kind]}"
        write(folder, files)
        print(f"\nFAULT {where}\n  input kept in {folder}\n{fault.text}", flush=True)

    def table(self) -> str:
        """Reader x tried, read, refused, faults, and how many commands were run."""
        head = ("tried", "ok", "refused", "fault", "commands")
        lines = ["reader".ljust(14) + "".join(column.rjust(10) for column in head)]
        return "\n".join(lines + [
            name.ljust(14) + "".join(f"{counts[column]:,}".rjust(10) for column in head)
            for name, counts in self.counts.items()])


def main() -> int:
    """Damage, print and return the exit status."""
    parser = argparse.ArgumentParser(prog="scripts/damage", description=(__doc__ or "").partition(
        "\n")[0])
    parser.add_argument("--minutes", type=float, default=60, help="in all (60)")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--only", default=",".join(READERS), metavar="READER,READER",
                        help=f"of {', '.join(READERS)}")
    parser.add_argument("--keep", type=Path, help="where the input of faults goes")
    parser.add_argument("--every", type=int, default=EVERY, metavar="N",
                        help=f"run the command line on every Nth input ({EVERY})")
    asked = parser.parse_args()
    names = asked.only.split(",")
    if unknown := set(names) - set(READERS):
        parser.error(f"no reader {', '.join(sorted(unknown))}; there are {', '.join(READERS)}")
    run = Run(asked.seed, asked.keep or Path(tempfile.mkdtemp(prefix="zsl-faults-")))
    for name in names:
        run.read(name, 60 * asked.minutes / len(names), asked.every)
        print(f"{name}: {dict(run.counts[name])}", file=sys.stderr, flush=True)
    print(f"\n{run.table()}\n\nseed {asked.seed}, {asked.minutes:g} minutes, "
          f"{sum(run.faults.values())} faults of {len(run.faults)} kinds")
    return 1 if run.faults else 0


if __name__ == "__main__":
    sys.exit(main())
