"""Secrets made now, of every family, with the place where each was put: what must not be found again anywhere."""

import base64
import json
import secrets
import string
from collections.abc import Iterator, Mapping

UPPER = string.ascii_uppercase + "234567"


class Planted:
    """Makes secrets and remembers what must not be found again, with the place where each was put."""

    def __init__(self) -> None:
        self.made: dict[str, str] = {}

    def secret(self, place: str, family: str, text: str, value: str) -> str:
        """``text`` with the secret in it; ``value`` is what must be nowhere."""
        self.made[value] = f"{family} in {place}"
        return text.replace("{}", value)

    def short(self, place: str) -> str:
        """Few families, for fields that take no more than 300 characters."""
        github = self.secret(place, "github", "{}", "gh" + "p_" + secrets.token_hex(18))
        return f"{github} ; " + self.secret(place, "prose", "the password is {}", "q7" + secrets.token_hex(10))

    def found(self, places: Mapping[str, bytes]) -> dict[str, list[str]]:
        """In which place which secret is."""
        return {
            place: sorted({what for value, what in self.made.items() if value.encode() in held})
            for place, held in places.items()
        }

    def sentence(self, place: str) -> str:
        """One of every family, as people and programs write them."""
        return " ; ".join(self._families(place)) + f" ; order A-1009 of {place} for 84.00 USD."

    def _families(self, place: str) -> Iterator[str]:
        def word() -> str:
            return "q7" + secrets.token_hex(10)

        for family, text in (
            ("prose", "the password is {}"),
            ("command", "mysql -u root -p{} shop"),
            ("header", "Authorization: ApiKey {}"),
            ("cookie header", "Cookie: sid={}"),
            ("connection", "postgres://app:{}@db.internal/shop"),
            ("url token", "https://{}@github.com/acme/shop.git"),
            ("dotenv", "STRIPE_KEY={}"),
            ("field", "db_password={}"),
        ):
            yield self.secret(place, family, text, word())
        yield self.secret(place, "github", "{}", "gh" + "p_" + secrets.token_hex(18))
        yield self.secret(place, "anthropic", "{}", "sk-" + f"ant-api03-{secrets.token_urlsafe(32)}1")
        yield self.secret(place, "aws", "{}", "AK" + "IA" + "".join(secrets.choice(UPPER) for _ in range(16)))
        yield self.secret(place, "slack", "{}", "xox" + f"b-1-{secrets.token_hex(12)}")
        parts = (secrets.token_hex(size) for size in (12, 20, 20))
        yield self.secret(place, "jwt", "{}", "eyJ{}.eyJ{}.{}".format(*parts))
        yield self.secret(place, "card", "card {} was charged", _card())
        wrapped = base64.b64encode(json.dumps({"api_key": word(), "n": 1}).encode()).decode()
        yield self.secret(place, "base64", "{}", wrapped)
        body = secrets.token_hex(32)
        begin = "-----BEGIN " + "PRIVATE KEY-----"
        yield self.secret(place, "pem", begin + "\n{}\n" + begin.replace("BEGIN", "END"), body)


def _card() -> str:
    """A number as a card scheme could give it (ISO/IEC 7812), never given to anybody: made at random."""
    body = "4" + "".join(secrets.choice("123456789") for _ in range(14))
    total = sum(sum(divmod(2 * int(d), 10)) for d in body[::-2]) + sum(int(d) for d in body[-2::-2])
    return body + str(-total % 10)
