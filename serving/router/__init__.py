"""The router: an OpenAI-compatible proxy that splits, mirrors and records traffic. No database, no torch."""
