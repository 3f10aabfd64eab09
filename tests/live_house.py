"""One live house for every test that walks through it from outside: journeys, crashes, the browser."""

import pytest

from marketplace.local.live import LiveHouse


@pytest.fixture(scope="session")
def live_house(tmp_path_factory):
    """Lend a house with its four processes running and the repository's own catalogue on show."""
    with LiveHouse(tmp_path_factory.mktemp("house") / "state") as house:
        house.prepare()
        house.services.start()
        yield house
