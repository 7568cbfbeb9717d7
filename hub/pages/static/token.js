// The user's API tokens: made here, shown once, listed, revoked.
import { byId, element, icon, setTime, t, user, whileSeen } from './page.js';
import { apiPath, look, send } from './api.js';
import { announce, complain, notice } from './notice.js';
import { confirmed, showDialog } from './dialog.js';

const CALM_MS = 30000;
const list = byId('tokens');
const form = byId('create');

// A cell of the table; on a narrow screen its column's name stands before it.
const cell = (label, ...content) => element('td', { role: 'cell', 'data-label': label }, ...content);

function time(iso, otherwise) {
  const node = element('time');
  setTime(node, iso, otherwise);
  return node;
}

// JupyterHub's API says "JupyterHub" for tokens that no other application holds.
const holder = (token) => (token.oauth_client && token.oauth_client !== 'JupyterHub' ? token.oauth_client : null);

function row(token) {
  const note = token.note || t('token_unnamed');
  const client = holder(token);
  const revoke = element('button', { type: 'button', class: 'quiet danger', 'aria-label': t('of_server', { action: t('revoke'), server: note }), onclick: () => ask(token, note) }, t('revoke'));
  const all = token.scopes.length === 0 || token.scopes.includes('inherit');
  const scopes = all ? t('token_everything') : token.scopes.join('\n');
  return element(
    'tr',
    { role: 'row' },
    element(
      'th',
      { role: 'rowheader', scope: 'row' },
      element('span', {}, note),
      client ? element('span', { class: 'muted small' }, t('token_for', { client })) : null,
    ),
    cell(t('token_scopes'), element('span', { class: all ? 'scopes' : 'mono scopes', title: scopes }, scopes)),
    cell(t('token_created'), time(token.created, '')),
    cell(t('token_used'), time(token.last_activity, t('never'))),
    cell(t('token_expires'), time(token.expires_at, t('token_never'))),
    element('td', { role: 'cell', class: 'actions' }, revoke),
  );
}

let shown = '';

const lookNow = whileSeen(async () => {
  const found = await look(apiPath('users', user, 'tokens'));
  if (!found) return CALM_MS;
  const tokens = found.api_tokens.toSorted((a, b) => (a.created < b.created ? 1 : -1));
  const now = JSON.stringify(tokens);
  if (now === shown) return CALM_MS; // so that a focused button stays
  shown = now;
  list.replaceChildren(...tokens.map(row));
  list.setAttribute('aria-busy', 'false');
  byId('none').hidden = tokens.length > 0;
  return CALM_MS;
});

async function ask(token, note) {
  if (!(await confirmed(t('revoke_heading'), t('revoke_text', { note }), t('revoke')))) return;
  try {
    await send('DELETE', apiPath('users', user, 'tokens', token.id));
    notice(t('revoked'));
  } catch (error) {
    complain(error);
  }
  lookNow();
}

async function showOnce(secret) {
  const field = element('input', { class: 'mono', readonly: true, value: secret, 'aria-label': t('token_new_heading') });
  field.addEventListener('focus', () => field.select());
  const copy = element(
    'button',
    {
      type: 'button',
      class: 'primary',
      onclick: async () => {
        field.select();
        await navigator.clipboard?.writeText(secret).catch(() => {}); // it is selected: Ctrl+C is left
        copy.lastChild.textContent = t('copied');
        announce(t('copied'));
      },
    },
    icon('copy'),
    t('copy'),
  );
  const done = element('form', { method: 'dialog', class: 'row end' }, element('button', {}, t('done')));
  await showDialog(t('token_new_heading'), [
    element('p', {}, t('token_new_text')),
    element('div', { class: 'beside' }, field, copy),
    done,
  ]);
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const said = new FormData(form);
  const scopes = said.get('scopes').split(/[\s,]+/).filter(Boolean);
  const body = { note: said.get('note').trim(), expires_in: Number(said.get('expires')) || null };
  if (scopes.length > 0) body.scopes = scopes;
  const button = form.querySelector('button');
  button.disabled = true;
  try {
    const made = await (await send('POST', apiPath('users', user, 'tokens'), { body })).json();
    form.reset();
    lookNow();
    await showOnce(made.token);
  } catch (error) {
    complain(error);
  } finally {
    button.disabled = false;
  }
});
