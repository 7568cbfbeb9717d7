// The hub's REST API, asked in the name of the user who is logged in.
import { base, hubUrl, element, t, xsrf } from './page.js';
import { notice } from './notice.js';

const TRIES = 6;

export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

export const apiPath = (...names) => `${base}hub/api/${names.map(encodeURIComponent).join('/')}`;

// The API has the default server at …/server, any other at …/servers/NAME.
export const serverPath = (owner, server, ...more) =>
  apiPath('users', owner, ...(server === '' ? ['server'] : ['servers', server]), ...more);

// Where the hub's mark is not, the proxy spoke, which does not reach the hub.
async function reason(response) {
  if (!response.headers.has('X-JupyterHub-Version')) return t('lost');
  const type = response.headers.get('Content-Type') ?? '';
  const body = type.includes('json') ? await response.json().catch(() => ({})) : {};
  return body.message || t('refused', { status: response.status });
}

// Waits as long as the hub asks for, telling how long.
async function waitOut(response) {
  const seconds = Math.min(Number(response.headers.get('Retry-After')) || 5, 120);
  const line = notice(t('busy', { seconds }), { stays: true });
  for (let left = seconds; left > 0; left--) {
    line.setWords(t('busy', { seconds: left }));
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  line.remove();
}

// Resolves to the response if it is good, else throws an ApiError with a message for people.
export async function send(method, path, { body, accept = 'application/json', signal } = {}) {
  const headers = { Accept: accept, 'X-XSRFToken': xsrf };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  for (let tries = 1; ; tries++) {
    const request = { method, headers, signal, body: body === undefined ? undefined : JSON.stringify(body) };
    const response = await fetch(path, request).catch((error) => {
      throw error.name === 'AbortError' ? error : new ApiError(0, t('lost'));
    });
    if (response.ok) return response;
    if (response.status !== 429 || tries === TRIES) throw new ApiError(response.status, await reason(response));
    await waitOut(response);
  }
}

export async function get(path, options) {
  return (await send('GET', path, options)).json();
}

// For looks that come again and again: a fault is shown once, until one of them is good.
let lost = null;

export async function look(path, options) {
  try {
    const found = await get(path, options);
    lost?.remove();
    lost = null;
    return found;
  } catch (error) {
    if (error.name !== 'AbortError' && !lost) {
      const out = error.status === 401 || error.status === 403;
      const here = encodeURIComponent(location.pathname + location.search);
      const link = out && element('a', { href: `${hubUrl('login')}?next=${here}` }, t('log_in_again'));
      lost = notice(out ? t('logged_out') : error.message, { kind: 'alert', link: link || null });
    }
    return null;
  }
}
