"""Django's PostgreSQL backend with two logins on one alias and, in a fresh clone, a server of its own."""
