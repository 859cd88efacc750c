"""Unit vectors → labels: names, hierarchy, the nearest label vectors, the index and its cache."""
