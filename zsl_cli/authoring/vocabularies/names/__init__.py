"""Wordnets of other languages → a folder of names: what labels are called there."""
