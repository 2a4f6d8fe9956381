"""`bounced deliver`: events go to webhooks, in order for each address, at least once."""
