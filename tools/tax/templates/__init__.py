"""Problem templates: problems that are computed, so right by construction (template.py), and the calculator under them.

The calculator is ours since a leaf is a stranger's: expressions.py reads a formula, functions.py is all that it can do,
values.py what it computes with, and placeholders.py puts the values into texts.
"""
