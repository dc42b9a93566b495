"""Answers that name one of several classes, with or without a stated risk."""
