"""What a worker does beside its doors: release, doubt, read the senders' stream, watch the rates."""

from bounced.edges.jobs.alarms import AlarmBell
from bounced.edges.jobs.disputer import Disputer
from bounced.edges.jobs.intake import IntakeReader
from bounced.edges.jobs.releaser import Releaser
from bounced.edges.jobs.rounds import Background, Job

__all__ = ["AlarmBell", "Background", "Disputer", "IntakeReader", "Job", "Releaser"]
