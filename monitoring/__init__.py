"""What is watched: drift, gauges, dashboards, rules of alerts, numbers for operators and ecologists."""
