"""The release of a bundle, decided by evidence: policy, rules, verdicts, states. No I/O, no clock, no network."""
