"""The words of other systems: what each means here, and which of theirs comes nearest to each of ours.

core/exchange/names.py reads it, docs/names.md shows it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from bounced.core.terms import Category, Word


class System(Word):
    """A mail system or a hosted service that has names for failures."""

    POWERMTA = "powermta"
    KUMOMTA = "kumomta"
    SPARKPOST = "sparkpost"
    SES = "ses"
    SENDGRID = "sendgrid"
    POSTMARK = "postmark"
    MAILJET = "mailjet"


SOURCES: Mapping[System, tuple[str, str]] = MappingProxyType(
    {
        System.POWERMTA: (
            "PowerMTA (Port25)",
            "the bounce categories of its User's Guide, which is not public, as others quote them; November 2026",
        ),
        System.KUMOMTA: ("KumoMTA", "Reference, `kumo.configure_bounce_classifier`; November 2026"),
        System.SPARKPOST: (
            "SparkPost",
            'Support, "Bounce Classification Codes"; 26 on a page of Airship about the same codes; November 2026',
        ),
        System.SES: (
            "Amazon SES",
            (
                'Developer Guide, "Amazon SNS notification contents for Amazon SES", "Bounce types"; November 2026. '
                "Found only in other programs: `CustomTimeoutExceeded`, `EmailValidationSuppressed`, "
                "`OnTenantSuppressionList`, `UnsubscribedRecipient`"
            ),
        ),
        System.SENDGRID: (
            "SendGrid",
            (
                'API "Retrieve bounces by specific classification", "Bounce and Block Classifications", '
                '"Event Webhook Reference"; November 2026. Found only in other programs: `Technical`, `expired`'
            ),
        ),
        System.POSTMARK: ("Postmark", '"Bounce API", bounce types; November 2026'),
        System.MAILJET: ("Mailjet", '"Event Tracking API", "Understanding Why Your Emails Are Blocked"; November 2026'),
    }
)
"""How each system is called, and where its names stand in its own documentation, and when that was looked up."""

_C = Category

CATEGORIES: Mapping[System, Mapping[str, Category | None]] = MappingProxyType(
    {
        System.POWERMTA: {
            "bad-mailbox": _C.MAILBOX_UNKNOWN,
            "bad-domain": _C.DOMAIN_INVALID,
            "inactive-mailbox": _C.MAILBOX_INACTIVE,
            "quota-issues": _C.MAILBOX_FULL,
            "message-expired": _C.EXPIRED,
            "spam-related": _C.SPAM_CONTENT,
            "policy-related": _C.POLICY,
            "invalid-sender": _C.SENDER_REJECTED,
            "virus-related": _C.VIRUS,
            "content-related": _C.CONTENT_REJECTED,
            "relaying-issues": _C.RELAY_DENIED,
            "protocol-errors": _C.PROTOCOL_ERROR,
            "routing-errors": _C.DNS_FAILURE,
            "bad-connection": _C.NETWORK,
            "no-answer-from-host": _C.NETWORK,
            "bad-configuration": _C.REMOTE_SYSTEM,
            "other": _C.UNDETERMINED,
        },
        System.KUMOMTA: {
            "InvalidRecipient": _C.MAILBOX_UNKNOWN,
            "BadDomain": _C.DOMAIN_INVALID,
            "InactiveMailbox": _C.MAILBOX_INACTIVE,
            "QuotaIssues": _C.MAILBOX_FULL,
            "MessageExpired": _C.EXPIRED,
            "SpamBlock": _C.REPUTATION_BLOCK,
            "SpamContent": _C.SPAM_CONTENT,
            "SpamRelated": _C.SPAM_CONTENT,
            "AuthenticationFailed": _C.AUTH_FAILURE,
            "PolicyRelated": _C.POLICY,
            "InvalidSender": _C.SENDER_REJECTED,
            "VirusRelated": _C.VIRUS,
            "ContentRelated": _C.CONTENT_REJECTED,
            "ProhibitedAttachment": _C.CONTENT_REJECTED,
            "RelayDenied": _C.RELAY_DENIED,
            "RelayingIssues": _C.RELAY_DENIED,
            "ProtocolErrors": _C.PROTOCOL_ERROR,
            "TooManyRecipients": _C.RATE_LIMITED,
            "DNSFailure": _C.DNS_FAILURE,
            "RoutingErrors": _C.DNS_FAILURE,
            "NoAnswerFromHost": _C.NETWORK,
            "BadConnection": _C.NETWORK,
            "BadConfiguration": _C.REMOTE_SYSTEM,
            "TransientFailure": _C.REMOTE_SYSTEM,
            "AutoReply": _C.AUTO_REPLY,
            "ChallengeResponse": _C.CHALLENGE,
            "Subscribe": _C.SUBSCRIPTION,
            "Unsubscribe": _C.SUBSCRIPTION,
            "Uncategorized": _C.UNDETERMINED,
        },
        System.SPARKPOST: {
            "Undetermined": _C.UNDETERMINED,
            "Invalid Recipient": _C.MAILBOX_UNKNOWN,
            "Soft Bounce": _C.UNDETERMINED,
            "DNS Failure": _C.DNS_FAILURE,
            "Mailbox Full": _C.MAILBOX_FULL,
            "Too Large": _C.MESSAGE_TOO_BIG,
            "Timeout": _C.EXPIRED,
            "Admin Failure": _C.ALREADY_SUPPRESSED,
            "Smart Send Suppression": _C.ALREADY_SUPPRESSED,
            "Generic Bounce: No RCPT": _C.UNDETERMINED,
            "Generic Bounce": _C.UNDETERMINED,
            "Mail Block": _C.POLICY,
            "Spam Block": _C.REPUTATION_BLOCK,
            "Spam Content": _C.SPAM_CONTENT,
            "Prohibited Attachment": _C.CONTENT_REJECTED,
            "Relaying Denied": _C.RELAY_DENIED,
            "Auto-Reply": _C.AUTO_REPLY,
            "Transient Failure": _C.REMOTE_SYSTEM,
            "Subscribe": _C.SUBSCRIPTION,
            "Unsubscribe": _C.SUBSCRIPTION,
            "Challenge-Response": _C.CHALLENGE,
        },
        System.SES: {
            "Undetermined/Undetermined": _C.UNDETERMINED,
            "Permanent/NoEmail": _C.MAILBOX_UNKNOWN,
            "Permanent/General": _C.UNDETERMINED,
            "Permanent/OnAccountSuppressionList": _C.ALREADY_SUPPRESSED,
            "Permanent/Suppressed": _C.ALREADY_SUPPRESSED,
            "Permanent/OnTenantSuppressionList": _C.ALREADY_SUPPRESSED,
            "Permanent/EmailValidationSuppressed": _C.ALREADY_SUPPRESSED,
            "Permanent/UnsubscribedRecipient": _C.ALREADY_SUPPRESSED,
            "Transient/General": _C.UNDETERMINED,
            "Transient/MailboxFull": _C.MAILBOX_FULL,
            "Transient/MessageTooLarge": _C.MESSAGE_TOO_BIG,
            "Transient/ContentRejected": _C.CONTENT_REJECTED,
            "Transient/AttachmentRejected": _C.CONTENT_REJECTED,
            "Transient/CustomTimeoutExceeded": _C.EXPIRED,
        },
        System.SENDGRID: {
            "Invalid Address": _C.MAILBOX_UNKNOWN,
            "Mailbox Unavailable": _C.UNDETERMINED,
            "Reputation": _C.REPUTATION_BLOCK,
            "Content": _C.CONTENT_REJECTED,
            "Frequency or Volume Too High": _C.RATE_LIMITED,
            "Technical Failure": _C.REMOTE_SYSTEM,
            "Technical": _C.REMOTE_SYSTEM,
            "Unclassified": _C.UNDETERMINED,
            "bounce": _C.UNDETERMINED,
            "blocked": _C.POLICY,
            "expired": _C.EXPIRED,
            "dropped": _C.ALREADY_SUPPRESSED,
            "spamreport": _C.COMPLAINT,
            "unsubscribe": _C.UNSUBSCRIBED,
        },
        System.POSTMARK: {
            "SpamComplaint": _C.COMPLAINT,
            "Unsubscribe": _C.UNSUBSCRIBED,
            "ManuallyDeactivated": _C.OPERATOR,
            "HardBounce": _C.MAILBOX_UNKNOWN,
            "BadEmailAddress": _C.BAD_ADDRESS,
            "SoftBounce": _C.MAILBOX_FULL,
            "Transient": _C.REMOTE_SYSTEM,
            "DnsError": _C.DNS_FAILURE,
            "Blocked": _C.REPUTATION_BLOCK,
            "SpamNotification": _C.SPAM_CONTENT,
            "VirusNotification": _C.VIRUS,
            "DMARCPolicy": _C.AUTH_FAILURE,
            "AutoResponder": _C.AUTO_REPLY,
            "ChallengeVerification": _C.CHALLENGE,
            "Subscribe": _C.SUBSCRIPTION,
            **dict.fromkeys(
                (
                    "AddressChange",
                    "Unconfirmed",
                    "OpenRelayTest",
                    "SMTPApiError",
                    "InboundError",
                    "TemplateRenderingFailed",
                )
            ),
            "Unknown": _C.UNDETERMINED,
        },
        System.MAILJET: {
            "spam reporter": _C.COMPLAINT,
            "user unknown": _C.MAILBOX_UNKNOWN,
            "mailbox inactive": _C.MAILBOX_INACTIVE,
            "invalid domain": _C.DOMAIN_INVALID,
            "no mail host": _C.DOMAIN_INVALID,
            "quota exceeded": _C.MAILBOX_FULL,
            "sender blocked": _C.REPUTATION_BLOCK,
            "content blocked": _C.CONTENT_REJECTED,
            "policy issue": _C.POLICY,
            "relay/access denied": _C.POLICY,
            "spam preblocked": _C.SPAM_CONTENT,
            "system issue": _C.REMOTE_SYSTEM,
            "protocol issue": _C.PROTOCOL_ERROR,
            "connection issue": _C.NETWORK,
            "greylisted": _C.GREYLISTED,
            "duplicate in campaign": None,
            "bad or empty template": None,
            "error in template language": None,
            "preblocked": _C.ALREADY_SUPPRESSED,
            "blacklisted": _C.ALREADY_SUPPRESSED,
            "typofix": _C.ALREADY_SUPPRESSED,
        },
    }
)
"""What each name means; None where it says nothing of an address and is no failure of delivery.

A name that gives no reason is undetermined, also where the system calls the failure permanent.
"""

CODES: Mapping[System, Mapping[str, int]] = MappingProxyType(
    {
        System.SPARKPOST: {
            "Undetermined": 1,
            "Invalid Recipient": 10,
            "Soft Bounce": 20,
            "DNS Failure": 21,
            "Mailbox Full": 22,
            "Too Large": 23,
            "Timeout": 24,
            "Admin Failure": 25,
            "Smart Send Suppression": 26,
            "Generic Bounce: No RCPT": 30,
            "Generic Bounce": 40,
            "Mail Block": 50,
            "Spam Block": 51,
            "Spam Content": 52,
            "Prohibited Attachment": 53,
            "Relaying Denied": 54,
            "Auto-Reply": 60,
            "Transient Failure": 70,
            "Subscribe": 80,
            "Unsubscribe": 90,
            "Challenge-Response": 100,
        }
    }
)
"""The numbers that a system writes in place of its names."""

_SYSTEMS_OF_A_ROW = (System.POWERMTA, System.KUMOMTA, System.SPARKPOST, System.SES, System.SENDGRID)

_P_GENERAL, _T_GENERAL = "Permanent/General", "Transient/General"

_ROWS: Mapping[Category, tuple[str, str, str, str, str]] = {
    _C.MAILBOX_UNKNOWN: (
        "bad-mailbox",
        "InvalidRecipient",
        "Invalid Recipient",
        "Permanent/NoEmail",
        "Invalid Address",
    ),
    _C.BAD_ADDRESS: ("bad-mailbox", "InvalidRecipient", "Invalid Recipient", _P_GENERAL, "Invalid Address"),
    _C.MAILBOX_MOVED: ("bad-mailbox", "InactiveMailbox", "Invalid Recipient", _P_GENERAL, "Invalid Address"),
    _C.MAILBOX_INACTIVE: (
        "inactive-mailbox",
        "InactiveMailbox",
        "Invalid Recipient",
        _P_GENERAL,
        "Mailbox Unavailable",
    ),
    _C.DOMAIN_INVALID: ("bad-domain", "BadDomain", "Invalid Recipient", _P_GENERAL, "Invalid Address"),
    _C.MAILBOX_FULL: ("quota-issues", "QuotaIssues", "Mailbox Full", "Transient/MailboxFull", "Mailbox Unavailable"),
    _C.RECIPIENT_REFUSED: ("policy-related", "PolicyRelated", "Mail Block", _T_GENERAL, "Mailbox Unavailable"),
    _C.EXPIRED: ("message-expired", "MessageExpired", "Timeout", _T_GENERAL, "Technical Failure"),
    _C.REPUTATION_BLOCK: ("spam-related", "SpamBlock", "Spam Block", _T_GENERAL, "Reputation"),
    _C.SPAM_CONTENT: ("spam-related", "SpamContent", "Spam Content", "Transient/ContentRejected", "Content"),
    _C.AUTH_FAILURE: ("policy-related", "AuthenticationFailed", "Mail Block", _T_GENERAL, "Reputation"),
    _C.TLS_FAILURE: ("policy-related", "AuthenticationFailed", "Mail Block", _T_GENERAL, "Technical Failure"),
    _C.POLICY: ("policy-related", "PolicyRelated", "Mail Block", _T_GENERAL, "Reputation"),
    _C.SENDER_REJECTED: ("invalid-sender", "InvalidSender", "Mail Block", _T_GENERAL, "Reputation"),
    _C.VIRUS: ("virus-related", "VirusRelated", "Prohibited Attachment", "Transient/ContentRejected", "Content"),
    _C.CONTENT_REJECTED: (
        "content-related",
        "ContentRelated",
        "Prohibited Attachment",
        "Transient/ContentRejected",
        "Content",
    ),
    _C.MESSAGE_TOO_BIG: ("content-related", "QuotaIssues", "Too Large", "Transient/MessageTooLarge", "Content"),
    _C.RELAY_DENIED: ("relaying-issues", "RelayDenied", "Relaying Denied", _T_GENERAL, "Technical Failure"),
    _C.PROTOCOL_ERROR: ("protocol-errors", "ProtocolErrors", "Generic Bounce", _T_GENERAL, "Technical Failure"),
    _C.RATE_LIMITED: (
        "policy-related",
        "TransientFailure",
        "Transient Failure",
        _T_GENERAL,
        "Frequency or Volume Too High",
    ),
    _C.GREYLISTED: ("policy-related", "TransientFailure", "Transient Failure", _T_GENERAL, "Technical Failure"),
    _C.DNS_FAILURE: ("routing-errors", "DNSFailure", "DNS Failure", _T_GENERAL, "Technical Failure"),
    _C.NETWORK: ("bad-connection", "NoAnswerFromHost", "Soft Bounce", _T_GENERAL, "Technical Failure"),
    _C.REMOTE_SYSTEM: ("bad-configuration", "BadConfiguration", "Soft Bounce", _T_GENERAL, "Technical Failure"),
    _C.COMPLAINT: ("", "", "", "", "spamreport"),
    _C.AUTO_REPLY: ("", "AutoReply", "Auto-Reply", "", ""),
    _C.CHALLENGE: ("", "ChallengeResponse", "Challenge-Response", "", ""),
    _C.SUBSCRIPTION: ("", "Subscribe", "Subscribe", "", ""),
    _C.UNSUBSCRIBED: ("", "Unsubscribe", "Unsubscribe", "", "unsubscribe"),
    _C.ALREADY_SUPPRESSED: ("", "", "Admin Failure", "Permanent/OnAccountSuppressionList", "dropped"),
    _C.UNDETERMINED: ("other", "Uncategorized", "Undetermined", "Undetermined/Undetermined", "Unclassified"),
}

NEAREST: Mapping[Category, Mapping[System, str]] = MappingProxyType(
    {category: dict(zip(_SYSTEMS_OF_A_ROW, row, strict=True)) for category, row in _ROWS.items()}
)
"""The nearest name of each system that has names for most failures, empty where it has none for this."""

OF_THE_DOUBTFUL: Mapping[System, str] = MappingProxyType(
    dict(
        zip(
            _SYSTEMS_OF_A_ROW,
            ("other", "Uncategorized", "Soft Bounce", _T_GENERAL, "Mailbox Unavailable"),
            strict=True,
        )
    )
)
"""The names for what looks hard and is not proven: whoever reads them must not suppress for it."""
