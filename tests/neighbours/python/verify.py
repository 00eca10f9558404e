"""Verifies codes with the package cwt: verify.py CERTIFICATE.pem CODES.json RESULTS.json

CODES.json is a list of texts; RESULTS.json becomes a list of what each says, null where it is not believed.
"""

import json
import sys
import zlib

import base45
import cwt

certificate, codes, results = sys.argv[1:]
with open(certificate, encoding="ascii") as file:
    key = cwt.load_pem_hcert_dsc(file.read())
with open(codes, encoding="ascii") as file:
    texts = json.load(file)


def said(text):
    if not text.startswith("HC1:"):
        return None
    try:
        claims = cwt.decode(zlib.decompress(base45.b45decode(text[4:])), keys=[key])
    except Exception:  # the package raises many kinds; each means that the code is not believed
        return None
    return {"iss": claims[1], "exp": claims[4], "iat": claims[6], "payload": claims[-260][1]}


with open(results, "w", encoding="utf-8") as file:
    json.dump([said(text) for text in texts], file)
