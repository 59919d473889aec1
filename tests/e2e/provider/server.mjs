// An OpenID provider on the loopback, where every name and password logs in.
//
//     node server.mjs PORT CERTIFICATE KEY REDIRECT_URI...

import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import Provider from 'oidc-provider';

const [port, certificate, key, ...redirects] = process.argv.slice(2);

const provider = new Provider(`https://localhost:${port}`, {
  clients: [{
    client_id: 'chaperone',
    client_secret: 'a secret: with signs / in it %',
    redirect_uris: redirects,
  }],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['groups', 'name'] },
  conformIdTokenClaims: false,
  pkce: { methods: ['S256'], required: () => true },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: `${id}@shop.example`, email_verified: true, groups: ['buyers'], name: id }),
  }),
});

createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, provider.callback())
  .listen(Number(port), '127.0.0.1', () => console.log('ready'));
