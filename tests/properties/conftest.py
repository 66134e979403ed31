from tests.support.store import valkey

__all__ = ["valkey"]
