"""What doctor says of the running daemon and of files that only root can read."""

import os
from pathlib import Path
from typing import Any

import pytest

from bounced.config import Config
from bounced.doctor.daemon import examine_daemon, examine_files
from bounced.edges.judge.finding import Outcome


def _record(**changes: Any) -> dict[str, Any]:
    return {"paths_refused": {}, "loaded": {"changed_on_disk": []}, "reload": {"errors": []}} | changes


def test_a_daemon_without_trouble_is_well() -> None:
    """No path was refused, and what is on the disk is loaded."""
    assert [finding.outcome for finding in examine_daemon(_record())] == [Outcome.OK]


def test_refused_paths_and_what_is_not_loaded_are_warnings() -> None:
    """By reason, with what to do."""
    record = _record(paths_refused={"tampered": 12}, loaded={"changed_on_disk": ["a.toml"]}, reload={"errors": ["x"]})
    findings = list(examine_daemon(record))
    assert [finding.outcome for finding in findings] == [Outcome.WARNING] * 3
    assert "tampered 12" in findings[0].text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask for another user")
def test_a_key_that_only_root_can_read_is_an_error(tmp_path: Path) -> None:
    """Root can read everything, so the daemon's user is asked for."""
    key = tmp_path / "tls.key"
    key.touch(mode=0o600)
    config = Config.model_validate({"smtp": {"tls_certificate": str(key), "tls_key": str(key)}})
    found = list(examine_files(config, "nobody"))
    assert {(finding.subject, finding.outcome) for finding in found} == {
        ("smtp.tls_certificate", Outcome.ERROR),
        ("smtp.tls_key", Outcome.ERROR),
    }
    assert list(examine_files(config, "root")) == []
