"""Evaluation: what a student learned, leaf by leaf, from its answers to the hold-outs that people wrote."""
