"""`python -m edge302` and `edge302`."""

from edge302.cli.app import main

if __name__ == "__main__":
    main()
