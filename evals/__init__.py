"""Measures releases: suites of samples, scorers, comparisons, schedules. It measures; the monitor judges."""
