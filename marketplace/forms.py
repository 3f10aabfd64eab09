"""Forms with rules of their own; the rest of the forms are allauth's."""

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from ledger.clock import now
from licensing.actions import parties
from marketplace.actions import accounts
from marketplace.models import User


class SignupForm(forms.Form):
    """What signing up asks beside e-mail and password: the name that stands on certificates."""

    name = forms.CharField(
        label=_("Your name"),
        max_length=120,
        help_text=_("A person's name, as it shall stand on certificates. It never goes on the ledger."),
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )

    field_order = ["name", "email", "password1"]

    def signup(self, request: HttpRequest, user: User) -> None:
        """Make the party of kind person that the new user is."""
        name = self.cleaned_data["name"].strip()
        party = parties.register(kind="person", name={"zh-Hans": name, "en": name}, now=now())
        accounts.act_for(user=user, party_id=party.pk)
