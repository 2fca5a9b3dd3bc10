"""Proofs that take longer than a test may: one module each, taken up where they were stopped, kept as JSON."""
