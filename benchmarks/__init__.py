"""Measured claims: each script prints the table that the page beside it holds."""
