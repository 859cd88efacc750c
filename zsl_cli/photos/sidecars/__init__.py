"""XMP sidecars: which file it is, what stands in it, keywords merged into that and taken out again.

``files`` finds those of photos and ``changes`` writes them; ``merging`` makes the new packet, of
``keyword_lists`` and zsl's ``marks`` in a ``packet`` of ``elements``; ``undoing`` makes it what it
was; ``embedded_keywords`` reads what a photo itself has.
"""
