"""Steps of pipelines that watch what is served."""
