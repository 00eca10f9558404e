"""A bot on pywa that answers each text with one text.

It is what pywa's documentation shows, at its fastest: the asynchronous client, pywa's own server
(`pywa run`: Starlette on uvicorn, with uvloop and httptools) with as many workers as peer.toml tries,
no access log, and one HTTP session a worker whose connections to the Graph API are kept. That session
speaks through aiohttp, which costs httpx less than its own transport. pywa checks the signature, and
skips a POST whose bytes this process has seen (`skip_duplicate_updates`, on by default).

pywa says 200 before it handles a message: what Graph refuses then is an exception in its log.
"""

import os

import httpx
from httpx_aiohttp import AiohttpTransport
from pywa_async import WhatsApp, filters, types
from pywa_async.utils import UserIdentifier

limits = httpx.Limits(max_connections=128, max_keepalive_connections=128)
session = httpx.AsyncClient(transport=AiohttpTransport(limits=limits), timeout=10)
wa = WhatsApp(
    session=session,
    token=os.environ["ACCESS_TOKEN"],
    app_secret=os.environ["APP_SECRET"],
    verify_token=os.environ["VERIFY_TOKEN"],
    webhook_endpoint="/webhook",
    # It serves every business number that it is told of, and writes to phones, as the others do.
    filter_updates=False,
    user_identifier_priority=(
        UserIdentifier.WA_ID,
        UserIdentifier.BSUID,
        UserIdentifier.PARENT_BSUID,
    ),
)
# The client points its session at Meta; here Meta is on loopback.
session.base_url = os.environ["GRAPH_URL"] + "/v23.0"


@wa.on_message(filters.text)
async def answer(_: WhatsApp, message: types.Message) -> None:
    await message.reply_text("Selamat datang. Ketik bantuan.")
