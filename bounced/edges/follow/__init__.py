"""Log files as other programs write them: read line by line, across rotation, from where somebody stopped."""
