"""Notices that follow no standard: one small recogniser for each family, the shared mechanics beside them."""

from bounced.core.notices.aol import AOL
from bounced.core.notices.common import COMMON
from bounced.core.notices.exim import EXIM
from bounced.core.notices.family import Families
from bounced.core.notices.lists import MAILING_LIST
from bounced.core.notices.qmail import QMAIL
from bounced.core.notices.sendmail import SENDMAIL

FAMILIES = Families((QMAIL, EXIM, SENDMAIL, MAILING_LIST, AOL, *COMMON))

__all__ = ["FAMILIES"]
