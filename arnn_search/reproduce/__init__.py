"""Published results, trained again: networks that differ in one thing, from the same initial weights."""
