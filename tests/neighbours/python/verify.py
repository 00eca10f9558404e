"""Verifies codes with the package cwt: verify.py KEYS CODES.json RESULTS.json

KEYS is a document signer certificate (.pem) or a JWK set (.json), as an issuer shows them. CODES.json is a list of
texts; RESULTS.json becomes a list of what each says, null where it is not believed.
"""

import base64
import json
import sys
import zlib

import base45
import cwt

shown, codes, results = sys.argv[1:]
with open(shown, encoding="ascii") as file:
    text = file.read()
if shown.endswith(".json"):
    # The id is base64 in a JWK, as in all lists of keys for these codes, and bytes in a code.
    rows = [cwt.COSEKey.from_jwk(key).to_dict() | {2: base64.b64decode(key["kid"])} for key in json.loads(text)["keys"]]
    keys = [cwt.COSEKey.new(row) for row in rows]
else:
    keys = [cwt.load_pem_hcert_dsc(text)]
with open(codes, encoding="ascii") as file:
    texts = json.load(file)


def said(text):
    if not text.startswith("HC1:"):
        return None
    try:
        claims = cwt.decode(zlib.decompress(base45.b45decode(text[4:])), keys=keys)
    except Exception:  # the package raises many kinds; each means that the code is not believed
        return None
    return {"iss": claims[1], "exp": claims[4], "iat": claims[6], "payload": claims[-260][1]}


with open(results, "w", encoding="utf-8") as file:
    json.dump([said(text) for text in texts], file)
