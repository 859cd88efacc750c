"""Prints what a catalogue costs and saves, as a Markdown table.

    python benchmarks/catalogue.py [--photos FOLDER] [--small 2000] [--again 10000] [--known 100000]

``zsl index`` against a first ``zsl label`` over the same photos, in turn; how many photos a second
are labelled in other ways after that, the first time and later, from a cold process and beyond
what a process costs that labels one photo; how large a catalogue is; and what a thousand photos
more cost in a large one beside reading them. All in one run.
"""

import argparse
import os
import tempfile
from pathlib import Path

import numpy as np
from label import fill, forgotten, run, small

from zsl_cli.embedding import walk
from zsl_cli.photos.catalogue.catalogue import Catalogue
from zsl_cli.photos.catalogue.identity import Encoder, Identity
from zsl_cli.photos.catalogue.places import place_of
from zsl_cli.photos.catalogue.vectors import as_stored
from zsl_cli.photos.photo import Stamp
from zsl_cli.support import folders

WAYS = {
    "`--top 3`": ("--top", "3"),
    "`--threshold 0.3`": ("--threshold", "0.3"),
    "`--format csv`": ("--format", "csv"),
    "`--labels`, twenty": ("--labels", "dog,cat,person,car,tree,water,snow,beach,horse,bicycle,"
                           "boat,bird,flower,house,mountain,child,ball,street,table,food"),
    "`--under animal`": ("--under", "animal"),
    "`--keywords`": ("--keywords",),
    "`--confidence 0.9`": ("--confidence", "0.9"),
}


def of_folder(folder):
    """Bytes of all that is in it."""
    return sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())


def index_and_label(photos, options, environment, work):
    """Print how the two compare."""
    folder = fill(work / "both", photos, options.small)
    ratios = []
    for number in range(options.runs):
        indexed, _ = run(forgotten(environment, f"i{number}"), "index", folder)
        labelled, _ = run(forgotten(environment, f"l{number}"), "label", folder, "-o",
                          work / f"both-{number}.jsonl")
        ratios.append(labelled / indexed)
    print(f"| `zsl index` against a first `zsl label -o`, {options.small:,} photos | "
          f"{np.median(ratios):.2f} × as fast |", flush=True)


def again(photos, options, environment, work):
    """Print how fast a library is labelled whose photos are known."""
    folder, single = fill(work / "again", photos, options.again), fill(work / "one", photos, 1)
    run(environment, "index", folder)
    run(environment, "index", single)
    home = Path(environment["XDG_DATA_HOME"])
    print(f"| a catalogue of {options.again:,} photos | "
          f"{of_folder(place(folder, home)) / options.again:.0f} bytes a photo |")
    for number, (name, way) in enumerate(WAYS.items()):
        walls = []
        for round_ in range(options.runs):
            whole, _ = run(environment, "label", folder, "-o", work / f"{number}-{round_}.jsonl",
                           *way)
            start, _ = run(environment, "label", single, "-o", work / f"{number}-{round_}-1.jsonl",
                           *way)
            walls.append((whole, start))
        first, later = (options.again / (whole - start) for whole, start in (
            walls[0], np.median(walls[1:], axis=0)))
        print(f"| known photos labelled again, {name} | {first:,.0f} a second; when that was asked "
              f"before, {later:,.0f} |", flush=True)


def place(folder, home):
    """Where the catalogue of a folder lies."""
    os.environ["XDG_DATA_HOME"] = str(home)
    manifest = folders.read_manifest(folders.MODEL, folders.find(folders.MODEL, "default"))
    return place_of([str(folder)], Encoder.of(manifest))[0]


def known(folder, count, home):
    """Have a catalogue know so many photos, which are empty files with embeddings of chance."""
    os.environ["XDG_DATA_HOME"] = str(home)
    manifest = folders.read_manifest(folders.MODEL, folders.find(folders.MODEL, "default"))
    encoder = Encoder.of(manifest)
    random = np.random.default_rng(0)
    with Catalogue.writing(place(folder, home), Identity(os.path.realpath(folder),
                                                         encoder)) as catalogue:
        for part in range(count // 1000):
            below = folder / f"k{part:04}"
            below.mkdir(parents=True)
            rows = random.standard_normal((1000, encoder.dimension), np.float32)
            rows = as_stored(rows / np.linalg.norm(rows, axis=1, keepdims=True))
            with catalogue.transaction():
                row = catalogue.db.execute("INSERT INTO folders (path) VALUES (?)",
                                           (os.fsencode(below.name),)).lastrowid
                for number in range(1000):
                    path = below / f"{number:04}.jpg"
                    path.touch()
                    stamp = Stamp.of(path.stat())
                    catalogue.insert(part * 1000 + number + 1, row, os.fsencode(path.name),
                                     (0, stamp.mtime, stamp.ctime, 0), rows[number],
                                     (None, None, None))


def more(photos, options, environment, work):
    """Print what a thousand photos more cost."""
    folder, alone = work / "large", fill(work / "alone", photos, 1000)
    folder.mkdir()
    known(folder, options.known, environment["XDG_DATA_HOME"])
    nothing, _ = run(environment, "index", folder)
    fill(folder / "new", photos, 1000)
    both, _ = run(environment, "index", folder)
    reading, _ = run(environment, "index", alone)
    print(f"| `zsl index` where {options.known:,} photos are known and none is new | "
          f"{nothing:.2f} s |")
    print(f"| 1,000 photos more | {both:.2f} s, {both - reading:.2f} s more than the {reading:.2f} "
          "s of these alone |")


def main():
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, default=Path("examples"))
    parser.add_argument("--small", type=int, default=2000, help="0 leaves it out")
    parser.add_argument("--again", type=int, default=10_000, help="0 leaves it out")
    parser.add_argument("--known", type=int, default=100_000, help="0 leaves it out")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    found = list(walk.images_in(str(options.photos)))
    photos = [small(path) for path in found[:2000]]
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        environment = {**os.environ, "XDG_CACHE_HOME": f"{name}/cache",
                       "XDG_DATA_HOME": f"{name}/data"}
        print("| what | measured |\n|---|---|")
        for count, measure in ((options.small, index_and_label), (options.again, again),
                               (options.known, more)):
            if count:
                measure(photos, options, environment, work)


if __name__ == "__main__":
    main()
