"""The command line as a module: `python -m flows.doors.cli`."""

from flows.doors.cli import main

if __name__ == "__main__":
    main()
