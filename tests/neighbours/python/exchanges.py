"""Holds HTTP exchanges to an OpenAPI document: exchanges.py DOCUMENT.yaml EXCHANGES.json

The document is validated first. An exchange is {method, path, headers, body, status, answer_headers, answer}, names of
headers in small letters, bodies as text; `webhook` names the webhook that it is, whatever its path. Ends with an error that lists every breach; prints which operations were
seen with which statuses.
"""

import json
import re
import sys

import yaml
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

with open(sys.argv[1], encoding="utf-8") as file:
    document = yaml.safe_load(file)
with open(sys.argv[2], encoding="utf-8") as file:
    exchanges = json.load(file)
validate(document)
registry = Registry().with_resource("urn:document", Resource(contents=document, specification=DRAFT202012))
breaches = []
seen = set()


def resolved(part):
    while "$ref" in part:
        target = document
        for key in part["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        part = target
    return part


def absolute(schema):
    """References of a schema, as ones into the whole document."""
    text = json.dumps(schema).replace('"#/', '"urn:document#/')
    return json.loads(text)


def held(where, schema, value):
    validator = OAS31Validator(absolute(schema), registry=registry, format_checker=OAS31Validator.FORMAT_CHECKER)
    breaches.extend(f"{where}: {error.message}" for error in validator.iter_errors(value))


def held_body(where, content, text):
    if not content:
        if text:
            breaches.append(f"{where}: a body where none is described")
        return
    try:
        held(where, content["application/json"]["schema"], json.loads(text))
    except json.JSONDecodeError:
        breaches.append(f"{where}: no json")


def held_values(where, described, values):
    for name, part in described:
        part = resolved(part)
        if name.lower() in values:
            held(f"{where} {name}", part["schema"], values[name.lower()])
        elif part.get("required"):
            breaches.append(f"{where}: {name} is missing")


for exchange in exchanges:
    method, path = exchange["method"].lower(), exchange["path"]
    match, item = None, document["webhooks"].get(exchange.get("webhook"))
    for template in [] if item else sorted(document["paths"], key=lambda template: template.count("{")):
        match = re.fullmatch(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template), path)
        if match and method in document["paths"][template]:
            break
    else:
        if not item:
            breaches.append(f"{method} {path}: not described")
            continue
    item = item or document["paths"][template]
    operation = item[method]
    name = operation["operationId"]
    parameters = [resolved(part) for part in item.get("parameters", []) + operation.get("parameters", [])]
    values = {"path": match.groupdict() if match else {}, "header": exchange["headers"]}
    for place in ("path", "header"):
        found = [(part["name"], part) for part in parameters if part["in"] == place]
        held_values(f"{name} {place}", found, {key.lower(): value for key, value in values[place].items()})
    wants_token = any("token" in way for way in operation.get("security", document["security"]))
    if wants_token and not exchange["headers"].get("authorization", "").startswith("Bearer "):
        breaches.append(f"{name}: no bearer token")
    held_body(f"{name} request", operation.get("requestBody", {}).get("content"), exchange["body"])
    status = str(exchange["status"])
    if status not in operation["responses"]:
        status = status[0] + "XX"
    if status not in operation["responses"]:
        breaches.append(f"{name}: status {status} is not described")
        continue
    answer = resolved(operation["responses"][status])
    held_body(f"{name} {status}", answer.get("content"), exchange["answer"])
    held_values(f"{name} {status}", list(answer.get("headers", {}).items()), exchange["answer_headers"])
    seen.add(f"{name} {status}")

if breaches:
    sys.exit("\n".join(breaches))
print("\n".join(sorted(seen)))
