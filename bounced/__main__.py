"""The command ``bounced``, also as ``python -m bounced``."""

from bounced.cli.root import bounced


def main() -> None:
    """Run the command line."""
    bounced(prog_name="bounced")


if __name__ == "__main__":
    main()
