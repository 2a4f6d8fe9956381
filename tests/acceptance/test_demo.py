"""What a newcomer sees first."""

import re
import socket
import subprocess
import sys


def demo(*words):
    """Run the demonstration and return what it printed."""
    command = [sys.executable, "-m", "bounced", "demo", "--once", *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout


def test_six_bounces_are_shown_with_what_followed_from_each():
    """Each means something else."""
    shown = demo("--port", "0")
    for address, category, followed, mail_it in (
        ("alice", "mailbox_unknown", "active -> suppressed", "no"),
        ("bob", "mailbox_full", "active -> bouncing", "yes"),
        ("carol", "spam_content", "active -> active", "yes"),
        ("dave", "greylisted", "active -> active", "yes"),
        ("erin", "complaint", "active -> suppressed", "no"),
    ):
        assert re.search(rf"^{address}\t.*\t{category}\t{followed} \(.*\)\t{mail_it}$", shown, re.MULTILINE)
    assert re.search(r"^frank\t.*\t550, refused\tyes$", shown, re.MULTILINE)
    assert "SISMEMBER 'bounced:{main}:suppressed' alice@" in shown


def test_a_taken_port_is_replaced_and_said():
    """Nothing has to be free."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        shown = demo("--port", str(port))
    assert f"Port {port} is taken" in shown
    assert f"SMTP on 127.0.0.1:{port}," not in shown


def test_a_second_time_in_the_same_folder_the_state_is_still_there(tmp_path):
    """With --folder everything is kept."""
    demo("--port", "0", "--folder", str(tmp_path))
    assert "suppressed -> suppressed" in demo("--port", "0", "--folder", str(tmp_path))
