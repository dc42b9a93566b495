"""What a model could do before it was tuned: general knowledge, language, reasoning, instructions, its domain, and both mixed."""
