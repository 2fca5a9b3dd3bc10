"""What Prometheus is given: who is scraped, recording rules and alerts, their tests, and all of it in another time."""
