"""A stream of recordings: who writes it, and who has it scored."""
