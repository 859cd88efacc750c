"""Photos and phrases → unit vectors: the walk, decoding, the model, the stream of batches."""
