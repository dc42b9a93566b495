"""Frozen value objects: what rooms compute with and send to each other."""
