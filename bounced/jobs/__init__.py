"""What a worker does beside its doors: release, dispute domains and providers, read the intake, update the alarms."""

from bounced.jobs.alarms import AlarmUpdater
from bounced.jobs.command_counts import CommandCounts
from bounced.jobs.disputer import Disputer
from bounced.jobs.intake import IntakeReader
from bounced.jobs.provider_disputer import ProviderDisputer
from bounced.jobs.releaser import Releaser
from bounced.jobs.rounds import Background, Job

__all__ = [
    "AlarmUpdater",
    "Background",
    "CommandCounts",
    "Disputer",
    "IntakeReader",
    "Job",
    "ProviderDisputer",
    "Releaser",
]
