"""What doctor says of the DNS of a bounce domain."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from bounced.config import Config, load
from bounced.doctor.dns import NoAnswer, Resolve, examine_dns
from bounced.edges.judge.finding import Finding, Outcome

DOMAIN, MX = "bounce.example.com", "mx.example.com"
GOOD = {
    (DOMAIN, "MX"): [f"10 {MX}."],
    (DOMAIN, "TXT"): ["something else", "v=spf1 ip4:192.0.2.1 -all"],
    (MX, "AAAA"): ["2001:db8::1"],
}


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Return a configuration with one bounce domain and the name of its MX."""
    file = tmp_path / "bounced.toml"
    (tmp_path / "key").write_text("x" * 20)
    file.write_text(
        f'host_name = "{MX}"\n[lists.main]\ndomains = ["{DOMAIN}"]\n[[lists.main.keys]]\nid = "a"\nfile = "key"\n'
    )
    return load(file)


def _zone(records: Mapping[tuple[str, str], Sequence[str]]) -> Resolve:
    async def resolve(name: str, type_: str) -> Sequence[str]:
        return records.get((name, type_), [])

    return resolve


async def _findings(config: Config, resolve: Resolve | None) -> list[Finding]:
    return [finding async for finding in examine_dns(config, resolve)]


async def test_a_domain_that_is_set_up_is_fine(config: Config) -> None:
    """An MX with an address, named as the daemon greets, and one SPF policy."""
    findings = await _findings(config, _zone(GOOD))
    assert [(finding.subject, finding.outcome) for finding in findings] == [
        (f"MX {DOMAIN}", Outcome.OK),
        (f"SPF {DOMAIN}", Outcome.OK),
    ]


@pytest.mark.parametrize(
    ("changes", "outcome", "text"),
    [
        ({(DOMAIN, "MX"): []}, Outcome.ERROR, "cannot get here"),
        ({(DOMAIN, "MX"): ["0 ."]}, Outcome.ERROR, "null MX"),
        ({(MX, "AAAA"): []}, Outcome.ERROR, "no address"),
        ({(DOMAIN, "MX"): ["10 other.example."], ("other.example", "A"): ["192.0.2.2"]}, Outcome.WARNING, "none is"),
        ({(DOMAIN, "TXT"): []}, Outcome.WARNING, "SPF is checked"),
        ({(DOMAIN, "TXT"): ["v=spf1 a -all", "v=spf1 mx -all"]}, Outcome.ERROR, "more than one"),
        ({(DOMAIN, "TXT"): ["v=spf1 +all"]}, Outcome.WARNING, "lets everybody send"),
    ],
)
async def test_what_is_wrong_is_said_with_the_record_to_add(
    config: Config, changes: Mapping[tuple[str, str], Sequence[str]], outcome: Outcome, text: str
) -> None:
    """One finding complains, in the right measure, and gives advice."""
    (complaint,) = [f for f in await _findings(config, _zone({**GOOD, **changes})) if f.outcome is not Outcome.OK]
    assert complaint.outcome is outcome
    assert text in complaint.text
    assert complaint.advice


async def test_no_name_server_is_no_error_of_the_domain(config: Config) -> None:
    """What cannot be asked is skipped."""

    async def silence(_name: str, _type: str) -> Sequence[str]:
        raise NoAnswer("timed out")

    (finding,) = await _findings(config, silence)
    assert finding.outcome is Outcome.SKIPPED


async def test_without_dnspython_doctor_says_how_to_get_it(config: Config) -> None:
    """The extra is named."""
    (finding,) = await _findings(config, None)
    assert (finding.outcome, finding.advice) == (Outcome.SKIPPED, "pip install 'bounced-mx[dns]'")
