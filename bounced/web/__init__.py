"""The web application: a process of its own, with a public and a private listener."""
