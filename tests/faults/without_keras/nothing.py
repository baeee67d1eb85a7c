"""In the place of a framework."""
