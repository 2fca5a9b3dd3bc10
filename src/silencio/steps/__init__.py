"""The pipelines' steps, from files to files: one module for each folder in `components/`, under the same name."""
