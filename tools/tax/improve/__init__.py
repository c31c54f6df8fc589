"""Making better data of data: recycling, translation, dialogues. command.py is the way in; work.py has the terms."""
