"""The control plane: what routers logged becomes records, records become verdicts, verdicts move traffic."""
