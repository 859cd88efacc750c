"""All readers, by their names."""

import damaged_folders
import damaged_photos
import damaged_runs

READERS = {reader.name: reader for reader in (
    *damaged_photos.READERS, *damaged_folders.READERS, *damaged_runs.READERS)}
