"""The kernel: what two or more rooms need. No room, no web framework and no torch is imported here.

Above the rooms stand `aftertune.cli` and `aftertune.up` (with its `rooms` and `roll`), the composition root, which
nothing imports.
"""

__version__ = "0.1.0"
