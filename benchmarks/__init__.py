"""Benchmarks: scratchnet beside torch and other from-scratch libraries, measured fairly. `python -m benchmarks --help`."""
