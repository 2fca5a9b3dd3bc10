"""The server of clients: decodes recordings, computes features, has the predictor score them, lists detections."""
