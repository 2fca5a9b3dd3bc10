"""The options of `silencio drift`, `monitor`, `ecology` and `dashboard`, read without what they start."""
