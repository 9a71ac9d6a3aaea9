"""What `edge302 doctor` looks at; each file checks one subject."""
