"""Photos of catalogues by words, by other photos, and by sums of both.

``request`` says what is asked, ``searching`` answers it. A query becomes a unit vector
(``queries``), each library is ranked by it, exactly (``exact``) or through an index over its
embeddings (``inverted``), and what is found is filtered, reranked and folded (``filters``,
``ordering``). ``sheet`` shows it as a page; ``advice`` says what to do where there is nothing to
search.
"""
