"""Files of word vectors, read word by word, so that what is not wanted takes no memory.

word2vec's binary and text formats, GloVe's text, fastText's ``.vec`` and ``.bin``, plain or
compressed, and vocabulary folders. gensim reads these formats too, but whole files at once: 3.6 GB
for the 20,000 words of GoogleNews that a label list needs. The tests compare with it.
"""

from zsl_cli.authoring.vocabularies.word_vectors.base import WordVectors
from zsl_cli.authoring.vocabularies.word_vectors.detect import open_vectors

__all__ = ["WordVectors", "open_vectors"]
