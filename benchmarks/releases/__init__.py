"""Releases on this machine for the proof `release`: bundles, visitors, the machine, what disturbs it, scenarios."""
