"""Options of `silencio serve`, `predict` and others around servers: read without importing what they start."""
