"""To be imported before NumPy: matrix products on one thread, as the commands have them. Several
workers would wait for one another, and the last digit of a product depends on how it is divided."""

from zsl_cli.support import cpus

cpus.one_blas_thread()
