"""How accurate: five folds by recording, every head, every ensemble and what users would reach for instead."""
