// A provider of OpenID Connect on a port the kernel gives: npm's oidc-provider with a log-in page of its
// own that asks for the passwords of the users it is given, by a file of settings. The port goes to stdout;
// the end of stdin ends it.
//
//   {"clients": [{…}], "users": {"ada": {"password": "…", "claims": {"groups": ["staff"]}}}}
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { Provider } = createRequire(`${root}build/node/`)('oidc-provider');
const settings = JSON.parse(readFileSync(process.argv[2], 'utf8'));

const server = createServer().listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: settings.clients,
  cookies: { keys: ['only for tests'] },
  features: { devInteractions: { enabled: false } },
  scopes: ['openid', 'profile', 'email', 'groups'],
  claims: {
    openid: ['sub'],
    profile: ['name', 'preferred_username'],
    email: ['email', 'email_verified'],
    groups: ['groups', 'realm_access'],
  },
  pkce: { required: () => true },
  ttl: { AccessToken: 60, Grant: 600, IdToken: 60, Interaction: 600, Session: 600 },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, id) =>
    settings.users[id] && {
      accountId: id,
      claims: () => ({ sub: id, preferred_username: id, ...settings.users[id].claims }),
    },
  // Nobody is asked for consent.
  async loadExistingGrant(ctx) {
    const { session, client, params } = ctx.oidc;
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope(params.scope);
    await grant.save();
    return grant;
  },
});

const page = (uid, why) => `<!doctype html><html lang="en"><title>Provider</title><h1>Provider</h1>
<p role="alert">${why}</p><form method="post" action="/interaction/${uid}">
<label>Name <input name="login" autofocus></label>
<label>Password <input name="password" type="password"></label>
<button name="what" value="log in">Log in</button> <button name="what" value="leave">Leave</button>
</form></html>`;

async function readForm(request) {
  let text = '';
  for await (const piece of request.setEncoding('utf8')) text += piece;
  return new URLSearchParams(text);
}

async function interact(request, response, uid) {
  const form = request.method === 'POST' ? await readForm(request) : undefined;
  if (form?.get('what') === 'leave')
    return provider.interactionFinished(request, response, { error: 'access_denied' });
  const login = form?.get('login');
  if (form && Object.hasOwn(settings.users, login) && settings.users[login].password === form.get('password'))
    return provider.interactionFinished(request, response, { login: { accountId: login } });
  await provider.interactionDetails(request, response);
  response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' });
  return response.end(page(uid, form ? 'No such name and password.' : ''));
}

const serve = provider.callback();
server.on('request', (request, response) => {
  const uid = /^\/interaction\/([\w-]+)$/.exec(request.url)?.[1];
  if (!uid) return serve(request, response);
  return interact(request, response, uid).catch((error) => {
    response.writeHead(400, { 'Content-Type': 'text/plain' });
    response.end(error.message);
  });
});

process.stdin.resume().on('end', () => process.exit(0)); // whoever started it has ended
process.stdout.write(`${server.address().port}\n`);
