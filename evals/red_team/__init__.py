"""What a rule can see in an answer to an attack: whether it refuses, and whether a secret is in it."""
