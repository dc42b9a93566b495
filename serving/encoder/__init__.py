"""The encoder: texts to vectors behind an OpenAI-compatible `/v1/embeddings`, as a process of its own."""
