"""Who lies under whom: the hypernym graph over labels, and the same as arrays."""
