"""KServe servers for a bundle, and commands to run and ask them: `silencio serve|predict`."""
