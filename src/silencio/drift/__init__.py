"""Which of microphone, weather, season or model has changed: statistics and their verdict, without I/O or clock."""
