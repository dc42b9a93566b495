"""What is measured: a folder with a card, samples and scorers, read and checked."""
