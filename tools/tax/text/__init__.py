"""What can be told of a text by itself: its words and sentences, its language and script, its likes, its secrets."""
