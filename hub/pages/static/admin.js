// The admin's page: all users, a screenful at a time, with their servers and what they use.
import { ago, asNumber, byId, element, setText, t, whileSeen } from './page.js';
import { apiPath, look, send } from './api.js';
import { complain, notice } from './notice.js';
import { confirmed, dialogForm, showDialog } from './dialog.js';
import { UserRow } from './admin-row.js';
import { memoryText } from './server.js';

const PAGE = 50;
const LOOK_MS = 5000;
const TYPING_MS = 250;
const PAGED = 'application/jupyterhub-pagination+json';
const body = byId('users');
const rows = new Map(); // user name → UserRow, in the order shown
const wanted = new URLSearchParams(location.search);
let asking = new AbortController();

// What is looked for stands in the address too, so that it can be kept and sent.
const want = (name) => wanted.get(name) ?? '';
const offset = () => Math.max(0, Math.trunc(Number(want('offset'))) || 0);

function change(values) {
  for (const [name, value] of Object.entries(values)) {
    if (value) wanted.set(name, value);
    else wanted.delete(name);
  }
  const query = wanted.toString();
  history.replaceState(null, '', query ? `?${query}` : location.pathname);
  asking.abort();
  asking = new AbortController();
  lookNow();
}

async function lookAtUsers() {
  const query = new URLSearchParams({ offset: offset(), limit: PAGE, include_stopped_servers: '1', usage_history: '1', sort: want('sort') || 'name' });
  for (const name of ['name_filter', 'state']) if (want(name)) query.set(name, want(name));
  const found = await look(`${apiPath('users')}?${query}`, { accept: PAGED, signal: asking.signal });
  if (!found) return;
  if (found.items.length === 0 && offset() > 0) change({ offset: Math.max(0, offset() - PAGE) });
  else show(found.items, found._pagination.total);
}

function show(users, total) {
  const names = new Set(users.map((user) => user.name));
  for (const [name, row] of rows) {
    if (names.has(name)) continue;
    for (const node of row.nodes) node.remove();
    rows.delete(name);
  }
  let place = body.firstElementChild;
  for (const user of users) {
    if (!rows.has(user.name)) rows.set(user.name, new UserRow(user.name, asked));
    const row = rows.get(user.name);
    row.show(user);
    for (const node of row.nodes) {
      if (node === place) place = place.nextElementSibling;
      else body.insertBefore(node, place);
    }
  }
  body.setAttribute('aria-busy', 'false');
  byId('none').hidden = total > 0;
  const from = offset();
  setText(byId('range'), total > 0 ? t('admin_range', { from: asNumber(from + 1), to: asNumber(from + users.length), total: asNumber(total) }) : '');
  byId('previous').disabled = from === 0;
  byId('next').disabled = from + users.length >= total;
}

async function lookAtFigures() {
  const info = await look(apiPath('info'));
  if (!info) return;
  const { active, pending } = info.servers;
  setText(byId('figure-users'), asNumber(info.users));
  setText(byId('figure-running'), asNumber(active - pending));
  setText(byId('figure-spawning'), asNumber(pending));
  setText(byId('figure-memory'), info.usage?.memory_bytes ? memoryText(info.usage) : '–');
  setText(byId('trouble'), info.trouble ? t('admin_trouble', { since: ago(info.trouble.since), message: info.trouble.message }) : '');
}

const lookNow = whileSeen(async () => {
  await Promise.all([lookAtUsers(), lookAtFigures()]);
  return LOOK_MS;
});

// Does something, tells that it is done, looks again.
async function act(promise, done) {
  try {
    const result = await promise;
    notice(typeof done === 'function' ? await done(result) : done);
  } catch (error) {
    complain(error);
  }
  lookNow();
}

// Shows a form; resolves to what was said in it, null: cancelled.
async function said(heading, fields, action) {
  const form = dialogForm(fields, action);
  return (await showDialog(heading, [form])) === 'yes' ? new FormData(form) : null;
}

const words = (text) => text.split(/[\s,]+/).filter(Boolean);

const asked = {
  changed: () => lookNow(),
  makeAdmin: (model) => act(send('PATCH', apiPath('users', model.name), { body: { admin: !model.admin } }), t('saved')),
  async remove({ name }) {
    const sure = await confirmed(t('admin_delete_heading', { name }), t('admin_delete_text'), t('delete'));
    if (sure) act(send('DELETE', apiPath('users', name)), t('admin_deleted', { name }));
  },
  async editGroups({ name, groups }) {
    const input = element('input', { id: 'groups', name: 'groups', value: groups.join(' '), maxlength: '1024', autocapitalize: 'none', spellcheck: 'false' });
    const label = element('label', { for: 'groups' }, t('admin_groups_label'));
    const form = await said(t('admin_groups_heading', { name }), [element('div', { class: 'field' }, label, input)], t('save'));
    if (form) act(setGroups(name, groups, words(form.get('groups'))), t('saved'));
  },
};

// A group that does not exist yet is made.
async function setGroups(name, before, after) {
  for (const group of after.filter((other) => !before.includes(other))) {
    await send('POST', apiPath('groups', group)).catch((error) => {
      if (error.status !== 409) throw error;
    });
    await send('POST', apiPath('groups', group, 'users'), { body: { users: [name] } });
  }
  for (const group of before.filter((other) => !after.includes(other))) {
    await send('DELETE', apiPath('groups', group, 'users'), { body: { users: [name] } });
  }
}

byId('add').addEventListener('click', async () => {
  const names = element('textarea', { id: 'names', name: 'names', rows: '5', required: true, autocapitalize: 'none', spellcheck: 'false' });
  const label = element('label', { for: 'names' }, t('admin_add_label'));
  const admins = element('label', { class: 'check' }, element('input', { type: 'checkbox', name: 'admin' }), t('admin_add_admin'));
  const form = await said(t('admin_add_heading'), [element('div', { class: 'field' }, label, names), admins], t('admin_add'));
  if (!form) return;
  const request = { usernames: words(form.get('names')), admin: form.has('admin') };
  act(send('POST', apiPath('users'), { body: request }), async (response) => t('admin_add_done', { count: (await response.json()).length }));
});

byId('previous').addEventListener('click', () => change({ offset: Math.max(0, offset() - PAGE) }));
byId('next').addEventListener('click', () => change({ offset: offset() + PAGE }));

const search = byId('search');
let typing = 0;
search.value = want('name_filter');
search.addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(() => change({ name_filter: search.value.trim(), offset: 0 }), TYPING_MS);
});
byId('filter').addEventListener('submit', (event) => event.preventDefault());

const state = byId('state');
state.value = want('state');
state.addEventListener('change', () => change({ state: state.value, offset: 0 }));

const heads = document.querySelectorAll('th[data-sort]');

function showOrder() {
  const sort = want('sort') || 'name';
  for (const head of heads) {
    const { sort: key } = head.dataset;
    if (sort === key) head.setAttribute('aria-sort', 'ascending');
    else if (sort === `-${key}`) head.setAttribute('aria-sort', 'descending');
    else head.removeAttribute('aria-sort');
  }
}

for (const head of heads) {
  const { sort: key } = head.dataset;
  const first = key === 'name' ? key : `-${key}`; // the newest first
  head.firstElementChild.addEventListener('click', () => {
    const now = want('sort') || 'name';
    change({ sort: now === first ? (first === key ? `-${key}` : key) : first, offset: 0 });
    showOrder();
  });
}
showOrder();
