"""One file a row of the table of causes: each takes what earlier rows left, and names devices, evidence and action."""
