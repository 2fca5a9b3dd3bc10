"""How accurate: five folds by source recording, every head, every ensemble and what users would reach for instead."""
