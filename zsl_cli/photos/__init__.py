"""Whole photo libraries: a journal, the run that fills it, and what is made from it.

``run.label`` scans the folders, labels what the journal does not hold yet, and has the outputs
written from the journal: JSONL, CSV, Parquet, XMP sidecars and an HTML report.
"""
