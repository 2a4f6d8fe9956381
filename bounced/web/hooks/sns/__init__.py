"""The proof of Amazon SNS, through which the events of Amazon SES come.

How it works.  Anybody with an account at Amazon can send messages that SNS signs, so the topic is asked first: one that
the list does not name is refused before anything is fetched.  A message names the certificate of its signature.  It is
fetched once, by https, from the host of SNS in the topic's own region; it must be issued to SNS, by an authority that
this system trusts.  Then the signature counts.  A subscription of a topic of the list is confirmed by itself.

https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html
"""

from bounced.web.hooks.sns.proof import SnsProof

__all__ = ["SnsProof"]
