"""Personas as cards: traits that can be observed, scored by rules, by judges and by probes on embeddings."""
