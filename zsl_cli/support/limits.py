"""Limits and choices that the library checks and the command line offers; it imports nothing, so
that ``zsl --help`` need not."""

DEVICES = ("auto", "cpu", "cuda")
"""What a model may be asked to run on; of several CUDA devices, see ``devices``, the first."""

QUANTIZE = ("none", "int8", "fp16")
"""How the weights of a model folder may be quantised."""

FEATURES_FROM = ("auto", "penultimate", "output")
"""Where in a network its features may be looked for."""

MAX_TOP = 1000
"""Labels an image."""

MAX_PIXELS = 250_000_000
"""Images of more are refused before they are decoded, unless more are allowed; the largest phone
cameras make 200 megapixels."""

MAX_JOBS, MAX_BATCH = 1024, 1024
"""Threads, and images that go through a model at once."""

MAX_EF, MIN_M, MAX_M = 100_000, 2, 512
"""Of an HNSW index: the widest search, and the links a label. Of one link no graph can be made;
hundreds cost memory and gain nothing."""

TABLE_FORMATS = ("jsonl", "csv", "excel", "parquet")
"""What the labels of a library are written as; excel is a CSV that Excel opens with its accents."""

CANDIDATE_SETS = ("own", "all", "unseen", "unseen+seen")
"""The candidate sets of an evaluation that have a name:

- ``own``: the labels of the set's images;
- ``all``: the whole vocabulary;
- ``unseen``: those of ``own`` that are not seen, for their images alone (DeViSE-0);
- ``unseen+seen``: the same and all labels that are seen (DeViSE+1K).
"""

KS = (1, 2, 5, 10, 20)
"""The k of hit@k."""

SENTENCES = ("encoder+words", "encoder", "mean", "sum")
"""How the vector of a sentence is made, the best first that needs no training:

- ``encoder+words``: the model's label encoder on the sentence, and the vectors of the labels that
  it mentions;
- ``encoder``: the label encoder alone;
- ``mean``: the mean of the unit vectors of the labels that it mentions;
- ``sum``: the sum of their vectors, each as long as it is. Where all are of one length both are
  the same direction.
"""

RECALL_KS = (1, 5, 10)
"""The k of Recall@k."""

MAX_RESAMPLES = 100_000
"""Of the bootstrap."""

MAX_SEED = 2**32 - 1
