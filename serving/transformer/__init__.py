"""The server that clients talk to: takes recordings, makes windows and features, asks the predictor, names species."""
