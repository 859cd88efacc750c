"""From word vectors, text and classifiers to vocabulary folders. All but ``build`` need the extra
``vocab``."""
