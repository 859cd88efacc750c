"""From a corpus of plain text to a vocabulary folder of word vectors. Needs the extra ``vocab``."""
