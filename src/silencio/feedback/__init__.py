"""What people say of detections: judgements, and how they are read."""
