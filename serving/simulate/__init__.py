"""Simulated users of an endpoint: what they send, how they misbehave, and what they must never be answered."""
