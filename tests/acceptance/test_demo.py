"""What a newcomer sees first."""

import re
import signal
import socket
import subprocess
import sys
from itertools import takewhile


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
    assert "SISMEMBER" not in shown


def test_what_has_ended_is_not_offered():
    """With --once nobody answers any more: no port, no socket, no folder, no command for another terminal."""
    shown = demo("--port", "0")
    assert not re.search(r"127\.0\.0\.1|unix://|/bounced-demo-|--config|Ctrl-C", shown)
    assert shown.endswith("\nWithout --once it stays up: ask it, and send your own bounces.\n")


def demo_of(folder, *words):
    """Ask for something of the demonstration in a folder; return what is printed."""
    command = [sys.executable, "-m", "bounced", "demo", "--folder", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_what_stays_up_says_how_to_ask_and_tells_what_comes_in(tmp_path):
    """Until Ctrl-C, which is its normal end; a sample bounce is sent from another terminal."""
    command = [
        sys.executable,
        "-m",
        "bounced",
        "demo",
        "--port",
        "0",
        "--web-port",
        "0",
        "--no-browser",
        "--folder",
        str(tmp_path),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            shown = "".join(takewhile("Up until Ctrl-C.  What comes in is told here:\n".__ne__, process.stdout))
            sent = demo_of(tmp_path, "--send", "full_mailbox")
            told = process.stdout.readline()
            asked = [sys.executable, "-m", "bounced", "status", "--config", str(tmp_path / "bounced.toml")]
            status = subprocess.run(asked, capture_output=True, text=True, timeout=60, check=False)
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
        finally:
            process.kill()
    assert "SISMEMBER 'bounced:{main}:suppressed' alice@" in shown
    address, _, reply = sent.partition(": ")
    assert address.startswith("newcomer-")
    assert reply.startswith("250")
    assert address in told
    assert "mailbox_full" in told
    assert re.search(r"^SMTP on 127\.0\.0\.1:\d+,", shown, re.MULTILINE)
    assert status.returncode == 0, status.stdout
    assert "1 of 1 ready" in status.stdout


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
