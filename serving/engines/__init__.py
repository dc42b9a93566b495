"""Keeps one engine running for every release that is in use."""
