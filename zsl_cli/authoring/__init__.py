"""Makes model and vocabulary folders. This room alone may import PyTorch, transformers, gensim."""
