"""KServe servers for a bundle, and commands to run and ask them: `python -m serving up|predict`."""
