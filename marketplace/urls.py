"""The root of all addresses: pages for people carry a language, addresses for machines do not."""

from django.contrib import admin
from django.urls import path

urlpatterns = [
    path("admin/", admin.site.urls),
]
