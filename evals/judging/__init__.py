"""Judges: models that answer yes-or-no questions about answers. What fails is unmeasured, and never a score."""
