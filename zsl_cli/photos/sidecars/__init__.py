"""XMP sidecars: which file it is, what stands in it, and keywords merged into that.

``files`` finds and changes them on disk; ``merging`` makes the new packet, of ``keyword_lists`` in
a ``packet`` of ``elements``; ``embedded_keywords`` reads what the photo itself has.
"""
