"""What texts are made of: words in any script, and when two answers are the same."""
