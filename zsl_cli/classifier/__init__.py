"""A model and a vocabulary → answers: which labels may be answered, and how likely each is."""
