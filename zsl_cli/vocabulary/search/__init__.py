"""The labels nearest to an embedding: exact, by an index, among some of them."""
