"""A month of a reserve in minutes: three sites of three devices, four disturbances in turn, and who was told of what.

docs/month.md says which parts are real, and what of the sound is repeated.
"""
