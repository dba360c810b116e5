"""Benchmarks: one command each, every figure beside a goal and a baseline measured in the same run."""
