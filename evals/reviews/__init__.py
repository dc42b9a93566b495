"""What human review takes from suites: the questions that people are shown."""
