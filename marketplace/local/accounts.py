"""The demonstration's people: a buyer, one seller for each shop, somebody of the staff. Test mode only.

All have the same password, which is printed and no secret: the house listens on the loopback address.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction

from ledger import clock
from marketplace.actions import accounts
from marketplace.models import Shop, User

PASSWORD = "paper-lantern-2026"


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in."""

    email: str
    who: str
    password: str = PASSWORD


@dataclass(frozen=True)
class People:
    """Everybody of the demonstration."""

    buyer: Person
    staff: Person
    sellers: tuple[Person, ...]

    def all(self) -> tuple[Person, ...]:
        return (self.buyer, *self.sellers, self.staff)


def buyer_email(number: int) -> str:
    """Return the address of a buyer; number 0 is the one of the demonstration."""
    return f"buyer{number or ''}@wenshi.example"


def open_all() -> People:
    """Make everybody who is not there yet, and return all."""
    shops = list(Shop.objects.select_related("party").order_by("slug"))
    sellers = tuple(Person(f"{shop.slug}@wenshi.example", f"seller, {shop.name['en']}") for shop in shops)
    people = People(
        Person(buyer_email(0), "buyer"), Person("staff@wenshi.example", "staff, admin pages"), sellers
    )
    open_buyers(1)
    for person, shop in zip(sellers, shops, strict=True):
        open_one(person, party_id=shop.party_id)
    staff = open_one(people.staff)
    User.objects.filter(pk=staff.pk).update(is_staff=True, is_superuser=True)
    return people


def open_buyers(count: int) -> None:
    """Make so many buyers."""
    for number in range(count):
        open_one(Person(buyer_email(number), "buyer"))


def open_one(person: Person, *, party_id: UUID | None = None) -> User:
    """Sign somebody up unless they are, for a party of their own or for one that stands already."""
    if known := User.objects.filter(email=person.email).first():
        return known
    with transaction.atomic():
        user = User.objects.create_user(person.email, person.password)
        if party_id:
            accounts.act_for(user=user, party_id=party_id)
        else:
            accounts.party_for(user=user, now=clock.now())
    return user
