"""Search that is steered by gradient health: the reference table, and policies replayed on it."""
