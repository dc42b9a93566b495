"""Human review without I/O: forms, what is drawn, who sees what in which order, labels, agreement, export.

In the kernel, because the console opens and shows campaigns and the evaluation room calibrates its judges with them.
"""
