// Verifies codes with the package @pathcheck/dcc-sdk: verify.js CERTIFICATE.pem CODES.json RESULTS.json
// CODES.json is a list of texts; RESULTS.json becomes a list of what each says, null where it is not believed.
'use strict';

const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { createRequire } = require('module');

const [certificate, codes, results] = process.argv.slice(2);
const installed = createRequire(path.join(process.cwd(), 'package.json'));
const sdk = installed('@pathcheck/dcc-sdk');

// Held beside the program, so that it looks for no list of keys on the internet.
const body = fs.readFileSync(certificate, 'ascii').replace(/-----[A-Z ]+-----|\s/g, '');
const id = crypto.createHash('sha256').update(Buffer.from(body, 'base64')).digest().subarray(0, 8).toString('base64');
sdk.addCachedCerts({ [id]: body });
globalThis.fetch = undefined;
console.log = () => {};

async function said(text) {
  try {
    const verdict = await sdk.unpackAndVerify(text);
    if (verdict.status !== 'verified') return null;
    const claims = verdict.contents;
    return { iss: claims.get(1), exp: claims.get(4), iat: claims.get(6), payload: claims.get(-260).get(1) };
  } catch (error) {
    return null;
  }
}

(async () => {
  const all = [];
  for (const text of JSON.parse(fs.readFileSync(codes, 'ascii'))) all.push(await said(text));
  fs.writeFileSync(results, JSON.stringify(all));
})();
