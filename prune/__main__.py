"""`python -m prune` is `prune`."""

from prune.cli.main import main

if __name__ == "__main__":
    main()
