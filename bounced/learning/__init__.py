"""What was not understood, in groups, and what a new row would make of it."""
