"""`tax train` and `tax chat`: start.py starts the trainer, trained.py reads what it left, and report.py shows it."""
