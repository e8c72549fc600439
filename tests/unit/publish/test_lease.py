"""Who holds a lease."""

import pytest

from gristmill.publish.lease import owner


def test_where_nobody_has_the_number_of_the_user_there_is_an_owner_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 1000620000")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert owner().partition("@")[0]
