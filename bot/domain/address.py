"""Addresses that an operator configures."""


def http_url(value: str) -> str:
    """Check a base address: http(s), a host, no user or query. Returned without a slash at the end."""
    scheme, _, rest = value.partition("://")
    host = rest.split("/", 1)[0]
    if scheme not in {"http", "https"} or not host or any(c in value for c in " @?#\\\t\r\n"):
        message = "should be a base address such as https://pullcord.example, without a user, a query or blanks"
        raise ValueError(message)
    return value.rstrip("/")
