"""The floors, each a small program without any product. `python bench/floors.py bolt|xadd|pipe`, started by the rig.

bolt   slack-bolt in Socket Mode beside Starlette on uvicorn, with a Redis client: an empty listener
xadd   the same, with a listener that makes one XADD and then answers (durable before the ack, and nothing else)
pipe   POST -> dedup by SET NX and XADD -> consumer group -> one chat.postMessage
"""

import asyncio
import os
import sys
from collections.abc import Callable
from typing import Any

import aiohttp
import uvicorn
from redis.asyncio import Redis
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

CHANNEL = "C0INCIDENTS"


async def main(kind: str) -> None:
    """Run until killed."""
    redis = Redis.from_url(os.environ["PULLCORD_REDIS_URL"])
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(
            token=os.environ["SLACK_BOT_TOKEN"], base_url=os.environ["SLACK_API_URL"], session=session
        )
        app = AsyncApp(client=client, process_before_response=kind == "xadd")

        async def empty(ack: Callable[[], Any]) -> None:
            await ack()

        async def durable(ack: Callable[[], Any], body: dict[str, Any]) -> None:
            await redis.xadd("floor", {"user": body["user"]["id"], "trigger": body["trigger_id"]})
            await ack()

        app.action("floor")(durable if kind == "xadd" else empty)
        handler = AsyncSocketModeHandler(app, os.environ["SLACK_APP_TOKEN"])
        await handler.connect_async()  # type: ignore[no-untyped-call]
        routes = [Route("/readyz", ready), Route("/button", button(client), methods=["POST"])]
        if kind == "pipe":
            await redis.xgroup_create("pipe", "workers", id="0", mkstream=True)
            consumer = asyncio.create_task(consume(redis, client))
            routes.append(Route("/alerts", accept(redis), methods=["POST"]))
        config = uvicorn.Config(
            Starlette(routes=routes), port=int(os.environ["PULLCORD_PORT"]), log_config=None, access_log=False
        )
        try:
            await uvicorn.Server(config).serve()
        finally:
            if kind == "pipe":
                consumer.cancel()
            await handler.close_async()  # type: ignore[no-untyped-call]


async def ready(_: Request) -> Response:
    """It listens, so it is ready."""
    return Response()


def button(client: AsyncWebClient) -> Callable[[Request], Any]:
    """Post a message with one button; answers its ts."""

    async def post(_: Request) -> Response:
        element = {"type": "button", "action_id": "floor", "value": "x", "text": {"type": "plain_text", "text": "x"}}
        blocks = [{"type": "actions", "elements": [element]}]
        await client.conversations_join(channel=CHANNEL)
        said = await client.chat_postMessage(channel=CHANNEL, text="x", blocks=blocks)
        return JSONResponse({"ts": said["ts"]})

    return post


def accept(redis: Any) -> Callable[[Request], Any]:
    """Durable accept, deduplicated by the body."""

    async def post(request: Request) -> Response:
        body = await request.body()
        if await redis.set(b"seen:" + body, 1, nx=True, ex=600):
            await redis.xadd("pipe", {"i": body})
        return Response(status_code=202)

    return post


async def consume(redis: Any, client: AsyncWebClient) -> None:
    """Take one alert after the other and post it."""
    while True:
        for _, entries in await redis.xreadgroup("workers", "one", {"pipe": ">"}, count=16, block=1000) or ():
            for entry, _fields in entries:
                await client.chat_postMessage(channel=CHANNEL, text="an alert")
                await redis.xack("pipe", "workers", entry)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
