"""Files whole or absent, artifacts of a run, and results kept for the same code and data."""
