"""The commit script and what asks it have one table of names."""

import re
from pathlib import Path

from bounced.core.contract.writes import APART, StateWrites, Writes
from bounced.edges.redis import script
from bounced.edges.redis.script import ARGUMENTS, CONSTANTS, REQUEST, SOURCE, Given, ListKeys, ReportKeys

FILE = Path(script.__file__).with_name("commit.lua")
CODE = re.sub(r"--[^\n]*", "", SOURCE.decode())
HEAD, REST = CODE.split("local SEEN_MAX", 1)


def test_the_script_uses_each_key_argument_and_constant_that_it_is_given():
    """By its name: no place among them is spelled out."""
    given = {name.upper() for name in (*ListKeys._fields, *ReportKeys._fields, *ARGUMENTS)}
    assert [name for name in {*given, *CONSTANTS} if not re.search(rf"\b{name}\b", REST)] == []
    assert re.search(r"\b(KEYS|ARGV)\b", REST) is None


def test_the_script_reads_each_field_of_the_request_and_no_other():
    """What is declared and not read would be sent in vain; what is read and not declared would be nil."""
    assert set(re.findall(r"\brequest\.([a-z_]+)", CODE)) == set(REQUEST)
    assert set(re.findall(r"\bstate\.([a-z_]+)", CODE)) == set(StateWrites._fields)


def test_the_names_are_put_in_once_and_the_lines_stay_where_they_are():
    """An error of the script names its line: it is that of commit.lua."""
    assert SOURCE.startswith(b"#!lua\n")
    assert b"-- NAMES" not in SOURCE
    assert (HEAD.count("unpack(KEYS"), HEAD.count("unpack(ARGV")) == (2, 1)
    assert len(SOURCE.splitlines()) == len(FILE.read_text().splitlines())


def test_what_a_request_has_elsewhere_comes_last():
    """So that the fields of the request are those before."""
    assert Writes._fields[-len(APART) :] == APART
    assert (*Given._fields, *Writes._fields) == REQUEST + APART
