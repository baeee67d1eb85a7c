"""Whether it is the rotation that made an architecture good: its rotating layers exchanged, seed by seed."""
