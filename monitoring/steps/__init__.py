"""Steps of pipelines that watch, from places to places: what components call."""
