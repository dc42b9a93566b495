"""Campaigns against the record of what was answered: `kill -9`, a full disk, a database that is away.

They drive a real router process through its port and a real ingest process; see `python -m benchmarks.durability`.
"""
