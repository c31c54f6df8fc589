"""Generation: leaves to judged samples. run.py is the way in; stages.py says what a stage is."""
