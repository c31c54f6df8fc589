"""The trainer: tunes a student phase by phase, from a plan and the phase files that `tax mix` wrote.

It meets the rest of tax in files only: a plan, a data folder, model folders. Start it with
`python -m tax_training PLAN --data DIR --out DIR`.
"""
