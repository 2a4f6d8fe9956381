"""Pages for people at the private listener: a folder of templates, a file for each page, one style sheet."""

from starlette.routing import Route

from bounced.web.pages import (
    address,
    assets,
    campaigns,
    changes,
    explain,
    health,
    live,
    overview,
    policy,
    providers,
    recover,
    unknown,
)


def routes() -> list[Route]:
    """Return the routes of the pages."""
    return [
        Route("/", overview.overview),
        Route("/overview/now", overview.now),
        Route("/address", address.address),
        Route("/address/events", address.events),
        Route("/address/release", address.release, methods=["POST"]),
        Route("/address/suppress", address.suppress, methods=["POST"]),
        Route("/changes", changes.changes),
        Route("/recover", recover.recover),
        Route("/recover/watch", recover.watch),
        Route("/recover/part", recover.part),
        Route("/recover/release", recover.release, methods=["POST"]),
        Route("/explain", explain.explain),
        Route("/explain", explain.explained, methods=["POST"]),
        Route("/providers", providers.providers),
        Route("/campaigns", campaigns.campaigns),
        Route("/campaigns/failures", campaigns.failures),
        Route("/live", live.live),
        Route("/live/new", live.new),
        Route("/unknown", unknown.unknown),
        Route("/unknown/groups", unknown.groups),
        Route("/policy", policy.policy),
        Route("/health", health.health),
        Route("/health/findings", health.findings),
        Route(f"{assets.FOLDER}/{{name}}", assets.asset),
    ]
