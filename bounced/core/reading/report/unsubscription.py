"""Mail to an unsubscribe path: who wrote it wants no more mail, whatever the words.  (docs/contract.md, section 3)

These addresses stand in the header of mail that others hand on, so backscatter reaches them: bounces of forged mail,
automatic answers, complaints, challenges.  None of these is a person's request.
"""

from bounced.core.reading.report.origin import ReversePath
from bounced.core.terms import Kind, PerRecipientFields, Report

_REQUEST = {"request": "unsubscribe"}
_NO_REPORT = "none"


def at_unsubscribe_path(report: Report, reverse_path: str | None) -> Report:
    """Return what a message reports that was sent to an unsubscribe path: a request to leave, or nothing.

    The reverse path decides: by the null one, or a mail system's, nobody leaves.  Where nobody knows it, as of stored
    mail, the words have to ask for it.
    """
    if _asks_to_leave(report, ReversePath.of(reverse_path)):
        kind, recipients, fields = Kind.SUBSCRIPTION, (PerRecipientFields(),), _REQUEST
        return Report(kind, report.reader, recipients=recipients, message_id=report.message_id, fields=fields)
    return Report(Kind.OTHER, report.reader, message_id=report.message_id, fault=report.fault)


def _asks_to_leave(report: Report, path: ReversePath) -> bool:
    if path is ReversePath.SOMEBODY:
        is_plain_mail = report.kind is Kind.OTHER and report.reader == _NO_REPORT
        return is_plain_mail or report.kind is Kind.SUBSCRIPTION
    in_words = report.kind is Kind.SUBSCRIPTION and report.fields.get("request") == "unsubscribe"
    return in_words and path is ReversePath.UNKNOWN
