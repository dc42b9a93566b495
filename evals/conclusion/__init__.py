"""What answers amount to: slices of samples, estimates, gates, budgets and the nightly watch. Pure."""
