"""The command ``bounced``, also as ``python -m bounced``."""

from bounced.cli import standard_output
from bounced.cli.root import bounced


def main() -> None:
    """Run the command line."""
    standard_output.guard()
    try:
        bounced(prog_name="bounced")
    finally:
        standard_output.finish()


if __name__ == "__main__":
    main()
