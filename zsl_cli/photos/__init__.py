"""Whole photo libraries: a catalogue, the run that fills it, and what is made from it.

``indexing.index`` scans the folders and reads into the catalogue what that does not hold yet;
``labelling.label`` does so, too, and writes what it answers for the embeddings in it: JSONL, CSV,
Parquet, XMP sidecars and an HTML report. ``undo.undo`` makes the sidecars what they were.
"""
