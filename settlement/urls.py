"""The addresses that settlement answers by itself."""

from django.urls import path

from settlement.api.webhooks import stripe_webhook

urlpatterns = [path("hooks/stripe/", stripe_webhook, name="stripe-webhook")]
