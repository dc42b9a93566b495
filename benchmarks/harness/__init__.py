"""How busy the harness keeps an engine, beside lm-evaluation-harness and Inspect."""
