"""Teachers: base.py says what one is, open.py finds the one that is named; each engine is a module of its own."""
