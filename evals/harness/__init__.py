"""How a run is carried out: who is asked what, what is kept of it, and how it is taken up again."""
