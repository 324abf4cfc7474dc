"""A private Purser, everything real, driven by mixed clients and broken by a seeded plan, judged after quiet.

`python -m tests.faults --for 90s --seed 7`, or `make faults FOR=20m SEED=7`.
"""
