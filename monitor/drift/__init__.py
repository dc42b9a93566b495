"""Watches the embeddings of prompts and answers for change, at a stated rate of false alarms."""
