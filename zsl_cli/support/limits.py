"""Limits and choices that the library checks and the command line offers; it imports nothing, so
that ``zsl --help`` need not."""

DEVICES = ("auto", "cpu", "cuda")
"""What a model may be asked to run on."""

QUANTIZE = ("none", "int8", "fp16")
"""How the weights of a model folder may be quantised."""

FEATURES_FROM = ("auto", "penultimate", "output")
"""Where in a network its features may be looked for."""

MAX_TOP = 1000
"""Labels an image."""

MAX_PIXELS = 250_000_000
"""Images of more are refused before they are decoded, unless more are allowed; the largest phone
cameras make 200 megapixels."""

MAX_EF, MIN_M, MAX_M = 100_000, 2, 512
"""Of an HNSW index: the widest search, and the links a label. Of one link no graph can be made;
hundreds cost memory and gain nothing."""
