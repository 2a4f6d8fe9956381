"""Write config/bounced.toml and docs/configure.md from the declarations of the configuration: ``make docs``."""

from pathlib import Path

from bounced.config.document import example_file, manual

PROJECT = Path(__file__).parents[1]

if __name__ == "__main__":
    (PROJECT / "config/bounced.toml").write_text(example_file(), "utf-8")
    (PROJECT / "docs/configure.md").write_text(manual(), "utf-8")
