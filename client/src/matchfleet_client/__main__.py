"""`python -m matchfleet_client` is the `matchfleet` command."""

from matchfleet_client import cli

if __name__ == "__main__":
    cli.main()
