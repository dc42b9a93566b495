"""Runs as files: written, scored again, compared, and exchanged with other tools."""
