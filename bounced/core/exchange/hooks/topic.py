"""A topic of SNS: where its messages, certificates and subscriptions may come from."""

import re
from dataclasses import dataclass
from typing import Self

# arn:partition:sns:region:account:name
_ARN = re.compile(
    r"arn:(?P<partition>aws|aws-cn|aws-us-gov):sns:(?P<region>[a-z]{2}(?:-[a-z]{3,12}){1,2}-[0-9]{1,2}):[0-9]{12}"
    r":[A-Za-z0-9_-]{1,256}(?:\.fifo)?"
)
_EVERYWHERE = "sns.amazonaws.com"
_OF_GOVERNMENT = "sns-us-gov-west-1.amazonaws.com"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic by its name (ARN)."""

    arn: str
    region: str
    suffix: str

    @classmethod
    def of(cls, arn: str) -> Self:
        """Return the topic of an ARN.  Raises ValueError."""
        found = _ARN.fullmatch(arn)
        if found is None:
            raise ValueError('be the ARN of an SNS topic, such as "arn:aws:sns:eu-west-1:123456789012:bounces"')
        suffix = "amazonaws.com.cn" if found["partition"] == "aws-cn" else "amazonaws.com"
        return cls(arn, found["region"], suffix)

    @property
    def host(self) -> str:
        """The one host that has the certificates and confirms subscriptions."""
        return f"sns.{self.region}.{self.suffix}"

    @property
    def names(self) -> frozenset[str]:
        """The names to which a certificate of SNS may be issued: in most regions the first, in newer ones their own."""
        own = {f"{name}{self.region}.{self.suffix}" for name in ("sns.", "sns-", "sns-signing.")}
        if self.suffix == "amazonaws.com":
            own.add(_EVERYWHERE)
        if self.region.startswith("us-gov-"):
            own.add(_OF_GOVERNMENT)
        return frozenset(own)
