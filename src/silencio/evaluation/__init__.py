"""What a model is worth: metrics, recording scores, references to beat."""
