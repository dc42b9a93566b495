"""Merges a base and an adapter into weights that an engine serves, proves the merge and writes a passport."""
