"""Benchmarks, as ratios against a bound or a baseline of the same run: `make bench`."""
