"""``python -m varhouse``: the command line."""

from varhouse.cli import main

if __name__ == "__main__":
    main()
