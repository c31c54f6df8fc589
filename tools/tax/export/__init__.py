"""A run as a dataset for others: its samples in a form that they read, a card, and credit for every source."""
