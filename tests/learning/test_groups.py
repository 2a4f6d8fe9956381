"""Groups of replies, and their bounds."""

import tracemalloc

from bounced.learning.groups import MAX_SERVERS, Groups, Unknown, Why
from bounced.learning.words import Words

MOST = 100


def one(text: str, server: str = "", *, named: bool = False, entry: str = "") -> Unknown:
    """Return a reply of these words."""
    words = tuple(text.split())
    return Unknown(Why.UNDETERMINED, "main", Words("550", words, words), server, named, text, entry=entry)


def test_a_large_group_survives_any_number_of_texts_that_all_differ() -> None:
    """There are never more groups than the bound, and what is dropped is counted."""
    groups = Groups(MOST)
    for number in range(50 * MOST):
        groups.add(one("the same"))
        groups.add(one(f"another word{number}"))
        assert len(groups) <= MOST
    biggest = groups.biggest()
    assert (biggest[0].count, biggest[0].words) == (50 * MOST, "550 the same")
    assert groups.left_out + sum(group.count for group in biggest) == groups.replies == 100 * MOST


def test_memory_does_not_grow_with_what_comes() -> None:
    """Ten times as many texts take no more of it."""

    def peak(texts: int) -> int:
        groups = Groups(MOST)
        tracemalloc.start()
        for number in range(texts):
            groups.add(one(f"word{number}", f"mx{number}.example.net", entry=f"{number}-0"))
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    assert peak(50 * MOST) < 2 * peak(5 * MOST)


def test_one_group_remembers_only_so_many_servers_and_entries() -> None:
    """Its count goes on."""
    groups = Groups()
    for number in range(10 * MAX_SERVERS):
        groups.add(one("the same", f"s{number}.example", named=True, entry=f"{number}-0"))
    [group] = groups.biggest()
    assert (group.count, len(group.servers), len(group.hosts)) == (10 * MAX_SERVERS, MAX_SERVERS, MAX_SERVERS)
    assert group.entries == ["0-0", "1-0", "2-0", "3-0", "4-0"]


def test_hosts_by_their_names_count_before_domains_of_recipients() -> None:
    """Two domains may have one server."""
    groups = Groups()
    groups.add(one("the same", "one.example"))
    groups.add(one("the same", "two.example"))
    [group] = groups.biggest()
    assert group.sources == len(("one.example", "two.example"))
    groups.add(one("the same", "host.example", named=True))
    assert group.sources == 1


def test_an_id_stays_the_same() -> None:
    """Whatever else comes, so that it can be named in the next command."""
    first, second = Groups(), Groups()
    second.add(one("something else"))
    for groups in (first, second):
        groups.add(one("the same"))
    assert {group.id for group in first.biggest()} < {group.id for group in second.biggest()}
