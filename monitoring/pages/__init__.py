"""Static pages of what is watched: dashboards, alerts, drift and the release, for whom everything else is down."""
