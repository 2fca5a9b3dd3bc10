"""Commands of `silencio` that run, compile and submit pipelines. None of them imports KFP before it has to."""
