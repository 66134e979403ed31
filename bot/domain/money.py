"""Money as minor units and a currency, and how it is written for people."""

from pydantic import Field

from bot.domain.base import Value

# ISO 4217 currencies whose minor unit is not a hundredth (ISO 4217, list one, column "minor unit").
_NO_MINOR = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DIGITS = "BHD IQD JOD KWD LYD OMR TND"
_EXPONENT = {**dict.fromkeys(_NO_MINOR.split(), 0), **dict.fromkeys(_THREE_DIGITS.split(), 3)}
_SIGN = {"USD": "$", "EUR": "€", "GBP": "£"}


class Money(Value):
    """An exact amount: ``amount`` in minor units (cents), ``currency`` as an ISO 4217 code."""

    amount: int
    currency: str = Field(pattern=r"^[A-Z]{3}$")

    def __str__(self) -> str:
        """As people write it: ``$420.00``, ``€9.99``, ``CHF 5.00``, ``JPY 1,200``."""
        exponent = _EXPONENT.get(self.currency, 2)
        whole, rest = divmod(abs(self.amount), 10**exponent)
        number = f"{whole:,}" + (f".{rest:0{exponent}d}" if exponent else "")
        sign = _SIGN.get(self.currency, f"{self.currency} ")
        return f"{'-' if self.amount < 0 else ''}{sign}{number}"
