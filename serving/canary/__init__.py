"""Releases, carried out: routes on one machine and by KServe, counts from Prometheus, the judge's loop."""
