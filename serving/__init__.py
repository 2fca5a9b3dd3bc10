"""KServe servers for a bundle, and commands to run and call them: `silencio serve|predict`."""
