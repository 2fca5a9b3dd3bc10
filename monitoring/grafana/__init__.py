"""Grafana's dashboards as code: `python -m monitoring.grafana` writes their JSON, which is committed and mounted."""
