"""Why: what a report says of one recipient, as a verdict."""
