"""Whole photo libraries: a journal, the run that fills it, and what is made from it.

``labelling.label`` takes a ``request.LabelRequest``, scans the folders, labels what the journal
does not hold yet, and writes the outputs from the journal: JSONL, CSV, Parquet, XMP sidecars and an
HTML report. ``undo.undo`` makes the sidecars what they were.
"""
