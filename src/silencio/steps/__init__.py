"""The pipelines' steps, from files to files: one module for each folder in `components/`, under the same name.

Each has `Inputs`, what the step reads; `Outputs`, where it writes, if it writes files; and `run`, which does it. What
`run` returns is shown on the run's page or handed to other steps as it is.
"""
