"""Sessions, species, effort and occurrences: what an operator and an ecologist ask of the prediction log."""
