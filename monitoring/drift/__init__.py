"""Drift from a prediction log to people and programs: days and references kept in a place, pages, gauges, actions."""
