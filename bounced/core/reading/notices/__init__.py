"""Notices that follow no standard: one small recogniser for each family, the shared mechanics beside them."""

from bounced.core.reading.notices.aol import AOL
from bounced.core.reading.notices.common import COMMON
from bounced.core.reading.notices.exim import EXIM
from bounced.core.reading.notices.family import Families
from bounced.core.reading.notices.lists import MAILING_LIST
from bounced.core.reading.notices.qmail import QMAIL
from bounced.core.reading.notices.sendmail import SENDMAIL

FAMILIES = Families((QMAIL, EXIM, SENDMAIL, MAILING_LIST, AOL, *COMMON))

__all__ = ["FAMILIES"]
