"""Every limit in octets or characters of what others write, and why it is so: messages, commands, stored texts.

One limit has one name here, since several rooms have to agree on it.  Lengths that an RFC gives to addresses stand in
``mailbox.py`` and ``return_path``; how much *work* a message may make stands in ``reading/message/limits.py``.  The
size of what one pattern looks at stands beside the pattern.
"""

KIB = 1024
MIB = 1024 * KIB

# A message at the door

MAX_COMMAND_BYTES = 2 * KIB
"""512 (RFC 5321 section 4.5.3.1.4), and what SIZE, BODY, SMTPUTF8, ENVID and ORCPT may add is less than the rest."""
MAX_LINE_BYTES = 2 * MAX_COMMAND_BYTES
"""A command line that is longer than this, or has no end by then, is the peer's last."""
MAX_MESSAGE_BYTES = 50 * MIB
"""Advertised as SIZE unless configured: some systems return the whole message, attachments included."""
MAX_CONTENT_BYTES = MIB
"""The part of a message that is kept, read and digested.  The rest is counted and dropped.

Every door keeps exactly this much, and the reader reads no more.  The digest of a report without a Message-ID is over
what every line-end form of it has within this part (``contract/digest.py``).
"""

# What the reader looks at

MAX_HEADER_BYTES = 64 * KIB
"""Of a header.  The digest leaves trace fields out within the same part."""
MAX_VALUE_CHARS = 4000
"""Of one field: a diagnostic may quote a whole dialogue."""
MAX_TEXT_BYTES = 64 * KIB
"""Of one text part: what a notice has to say stands at its beginning."""
MAX_STATUS_CHARS = 64 * KIB
"""Of all status parts together: forty parts of full size cost forty times what one does."""
MAX_NOTICE_CHARS = 8000
"""Of the words of a notice that are searched for reasons."""
MAX_REPLY_CHARS = 2000
"""Of one SMTP reply, all its lines together."""

# What is stored, shown and logged

MAX_STORED_CHARS = 200
"""Of a text that others wrote, in states, events and history: a diagnostic's reason is at its beginning."""
MAX_WORDS_CHARS = 1000
"""Of a refusal of the sender, in `blocks` alone: the link that says what to do stands at its end."""
MAX_CAMPAIGN_CHARS = 64
"""Of a campaign's name, which names counters as well."""
MAX_ACTOR_CHARS = 64
"""Of the name of whoever made a change by hand."""
MAX_UNRECOGNISED_BYTES = 32 * KIB
"""Of a message that gave no reason and is kept to be looked at: enough for its words, and a thousand are 32 MiB."""
MAX_INTAKE_CHARS = 2000
"""Of a name or value of an intake entry that failed: some software puts whole messages there."""
MAX_HOOK_EVENT_CHARS = 8 * KIB
"""Of an event of a hosted service that is not understood and kept: its header fields make most of it."""
MAX_LOGGED_CHARS = 500
"""Of one value in a log line."""
