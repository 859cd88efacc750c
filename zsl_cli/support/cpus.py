"""How many cores there are, and who uses them."""

import os


def usable_cpus() -> int:
    """How many cores this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


ONE_BLAS_THREAD = dict.fromkeys(
    ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1")
"""What keeps NumPy's matrix products on one thread, as environment variables."""


def one_blas_thread() -> None:
    """Keep NumPy's matrix products on the thread that asks for them, where every core has its
    share of the images already: a pool of BLAS threads would only wait for cores. It has to be
    called before NumPy is imported; what the user has set stays."""
    for name, value in ONE_BLAS_THREAD.items():
        os.environ.setdefault(name, value)
