"""Options of `silencio serve`, `predict` and what else asks or runs servers: read without importing what they start."""
