"""Steps of the pipeline `release`: one begins a release, the others show how the judge carries it out."""
