"""A port for a program that cannot choose one is given once."""

from tests.support.ports import free_port


def test_no_port_is_given_twice():
    """Among so many that the kernel's choice alone would repeat one, whatever it chooses at random."""
    ports = [free_port() for _ in range(1500)]
    assert len(set(ports)) == len(ports)
