"""Where a network comes from: one module an origin, each with a ``read`` that gives a Network."""
