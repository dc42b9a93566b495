"""Stored prompts put to another release: what is asked of its engine, and what comes back as a shadow leg."""
