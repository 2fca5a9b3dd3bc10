"""Which region of time and frequency drove a prediction."""
