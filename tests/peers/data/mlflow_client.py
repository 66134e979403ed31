"""An agent's use of MLflow prompts, for tests: registers texts as versions, then loads one at each line of input.

Runs in MLflow's own environment: ``mlflow_client.py <prompt> <alias> <seconds a load is cached> <text>...``.
"""

import sys

import mlflow  # type: ignore[import-not-found]

prompt, alias, seconds, *texts = sys.argv[1:]
for text in texts:
    newest = mlflow.genai.register_prompt(name=prompt, template=text)
    mlflow.genai.set_prompt_alias(prompt, alias=alias, version=newest.version)
print("ready", flush=True)
for _ in sys.stdin:
    print(mlflow.genai.load_prompt(f"prompts:/{prompt}@{alias}", cache_ttl_seconds=float(seconds)).template, flush=True)
