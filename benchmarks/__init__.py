"""What speed and memory cost, measured; see benchmarks/README.md."""
