// The user's own servers: what each is doing, and the buttons for what can be done with it.
import { byId, element, hubUrl, icon, serverLabel, setText, setTime, t, user, whileSeen } from './page.js';
import { apiPath, look, send, serverPath } from './api.js';
import { cpuText, memoryText, stateOf, stateText, STOPPED } from './server.js';
import { announce, complain } from './notice.js';
import { confirmed } from './dialog.js';

const CALM_MS = 6000;
const EAGER_MS = 1000;
const SOON_MS = 300;
const list = byId('servers');
const add = byId('add');
const namedLimit = Number(byId('main').dataset.namedLimit);
const SAID = { ready: 'now_running', stopped: 'now_stopped' };

const rows = new Map(); // name → Row

class Row {
  constructor(name) {
    this.name = name;
    const label = serverLabel(name);
    const button = (key, kind, onclick) =>
      element('button', { type: 'button', class: kind, 'aria-label': t('of_server', { action: t(key), server: label }), onclick }, icon(key), t(key));
    const link = (key, kind, href) =>
      element('a', { class: `button ${kind}`, href, 'aria-label': t('of_server', { action: t(key), server: label }) }, t(key));
    this.label = label;
    this.state = element('span', { class: 'state' });
    this.started = element('time');
    this.active = element('time');
    this.usage = element('span');
    this.cull = element('time');
    this.warning = element('p', { class: 'warning', hidden: true }, icon('warning'), this.cull);
    this.start = link('start', 'primary', hubUrl('spawn', user, name));
    this.start.prepend(icon('start'));
    this.progress = link('show_progress', '', hubUrl('spawn-pending', user, name));
    this.open = link('open', 'primary', '');
    this.open.prepend(icon('open'));
    this.stop = button('stop', null, () => this.act('stop'));
    this.remove = element('button', { type: 'button', class: 'quiet danger', 'aria-label': t('of_server', { action: t('delete'), server: label }), onclick: () => this.ask() }, t('delete'));
    this.actions = element('div', { class: 'row' }, this.remove, this.stop, this.progress, this.start, this.open);
    this.node = element(
      'li',
      { class: 'panel server', 'data-name': name, tabindex: '-1' },
      element(
        'div',
        { class: 'about' },
        element('div', { class: 'title' }, element('h2', {}, label), this.state),
        element('p', { class: 'facts' }, this.started, this.active, this.usage),
      ),
      this.actions,
      this.warning,
    );
  }

  show(server) {
    const state = stateOf(server);
    const before = this.state.dataset.state;
    const focused = document.activeElement;
    this.state.dataset.state = state;
    setText(this.state, stateText(state));
    setTime(this.started, state === 'ready' ? server.started : null, '', (time) => t('started', { time }));
    setTime(this.active, server.last_activity, '', (time) => t('active', { time }));
    setText(this.usage, state === 'ready' ? usageText(server.usage) : '');
    for (const node of [this.started, this.active, this.usage]) node.hidden = node.textContent === '';
    setTime(this.cull, server.cull_at ?? null, '', (time) => t('cull_warning', { server: this.label, time }));
    this.warning.hidden = !server.cull_at;
    this.start.hidden = state !== 'stopped';
    this.remove.hidden = state !== 'stopped' || this.name === '';
    this.progress.hidden = state !== 'spawn';
    this.open.hidden = this.stop.hidden = state !== 'ready';
    this.open.href = server.url;
    if (before && before !== state && SAID[state]) announce(t(SAID[state], { server: this.label }));
    this.#keepFocus(focused);
  }

  // A button that goes away hands the focus on to the next one, or to the row until there is one.
  #keepFocus(focused) {
    const next = [...this.actions.children].findLast((action) => !action.hidden);
    if (focused === this.node || (focused.hidden && this.actions.contains(focused))) (next ?? this.node).focus();
  }

  async ask() {
    const heading = t('delete_server_heading', { server: this.name });
    if (await confirmed(heading, t('delete_server_text'), t('delete'))) this.act('delete');
  }

  async act(what) {
    const body = what === 'delete' ? { remove: true } : undefined;
    setTimeout(lookNow, SOON_MS); // the answer may wait for the server
    await send('DELETE', serverPath(user, this.name), { body }).catch(complain);
    lookNow();
  }
}

function usageText(usage) {
  return usage ? t('uses', { cpu: cpuText(usage), memory: memoryText(usage) }) : '';
}

function show(servers) {
  const named = Object.keys(servers).filter((name) => name !== '');
  const names = ['', ...named.sort((a, b) => a.localeCompare(b))];
  for (const [name, row] of rows) {
    if (names.includes(name)) continue;
    row.node.remove();
    rows.delete(name);
  }
  names.forEach((name, place) => {
    if (!rows.has(name)) rows.set(name, new Row(name));
    const { node } = rows.get(name);
    if (list.children[place] !== node) list.insertBefore(node, list.children[place] ?? null);
    rows.get(name).show(servers[name] ?? STOPPED);
  });
  list.setAttribute('aria-busy', 'false');
  const full = named.length >= namedLimit;
  add.hidden = namedLimit === 0;
  add.querySelector('button').disabled = byId('name').disabled = full;
  setText(byId('name-hint'), full ? t('named_limit', { limit: namedLimit }) : t('new_server_hint'));
}

const lookNow = whileSeen(async () => {
  const me = await look(`${apiPath('users', user)}?include_stopped_servers=1`);
  if (me) show(me.servers ?? {});
  const pending = Object.values(me?.servers ?? {}).some((server) => server.pending);
  return pending ? EAGER_MS : CALM_MS;
});

add.addEventListener('submit', (event) => {
  event.preventDefault();
  location.assign(hubUrl('spawn', user, byId('name').value.trim()));
});
