"""tax: a taxonomy of skills and knowledge, and what turns it into training data.

Submodules import each other in one direction only (docs/design.md, "Who may import whom"); this file imports
nothing, so that `import tax` costs nothing.
"""

__version__ = "0.1.0"
