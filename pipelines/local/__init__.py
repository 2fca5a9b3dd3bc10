"""A run on this machine, by kfp.local: taken up where it was stopped, its steps forked or started by their commands."""
