"""Signs and verifies webhooks by Standard Webhooks' own library.

hooks.py verify SECRET EXCHANGES.json    each webhook in it is believed, and no longer with another body
hooks.py sign SECRET ID BODY             prints id, time and signature as JSON
"""

import json
import sys
from datetime import datetime, timezone

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

what, secret = sys.argv[1:3]
webhook = Webhook(secret)

if what == "sign":
    name, body = sys.argv[3:5]
    now = datetime.now(tz=timezone.utc)
    signature = webhook.sign(name, now, body)
    print(json.dumps({"id": name, "at": str(int(now.timestamp())), "signature": signature}))
    sys.exit()

with open(sys.argv[3], encoding="utf-8") as file:
    exchanges = [exchange for exchange in json.load(file) if "webhook" in exchange]
believed = altered = 0
for exchange in exchanges:
    webhook.verify(exchange["body"], exchange["headers"])
    believed += 1
    try:
        webhook.verify(exchange["body"].replace("report", "rapport", 1), exchange["headers"])
    except WebhookVerificationError:
        altered += 1
print(f"{believed} believed, {altered} altered ones not")
