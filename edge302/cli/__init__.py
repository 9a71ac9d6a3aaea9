"""What the command `edge302` understands; each file holds the commands of one subject."""
