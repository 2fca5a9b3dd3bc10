"""What a team's recordings are: counts, places, faults, and each of them to look at and listen to."""
