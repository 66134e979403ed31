"""An agent that reads flags from a file with OpenFeature's flagd provider, for tests: ``flagd_client.py <file>``.

Each line of input is ``{"key", "kind", "default"}``; the answer is a line with value, reason and metadata. Runs in an
environment of its own.
"""

import json
import sys

from openfeature import api
from openfeature.contrib.provider.flagd import FlagdProvider  # type: ignore[import-not-found]
from openfeature.contrib.provider.flagd.config import ResolverType  # type: ignore[import-not-found]

api.set_provider_and_wait(FlagdProvider(resolver_type=ResolverType.FILE, offline_flag_source_path=sys.argv[1]))
client = api.get_client()
print("ready", flush=True)
for line in sys.stdin:
    asked = json.loads(line)
    found = getattr(client, f"get_{asked['kind']}_details")(asked["key"], asked["default"])
    told = {"value": found.value, "reason": str(found.reason), "metadata": dict(found.flag_metadata)}
    print(json.dumps(told), flush=True)
