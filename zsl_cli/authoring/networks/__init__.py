"""A checkpoint → a network with its trained weights, cut at its features."""
