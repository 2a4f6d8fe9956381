"""What follows from what is known of an address and what is said about it: state + evidence -> transition.

``decide`` is the way in, ``settings`` the figures.  ``failure`` counts (``streaks``) and suppresses (``suppress``);
``dispute`` is about whole domains, ``outage`` about providers; ``document`` writes the page about the policy.
"""

from bounced.core.policy.decide import decide
from bounced.core.policy.settings import DEFAULT_POLICY, FailureRule, Policy, Then

__all__ = ["DEFAULT_POLICY", "FailureRule", "Policy", "Then", "decide"]
