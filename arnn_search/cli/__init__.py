"""The command `arnn-search`: thin, and quick to start."""
