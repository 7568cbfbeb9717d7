// Rows of the admin's table: a user with the default server, and under it the named ones.
import { asBytes, asPercent, element, fullLabel, hubUrl, icon, setText, setTime, t, user as me } from './page.js';
import { send, serverPath } from './api.js';
import { complain } from './notice.js';
import { confirmed } from './dialog.js';
import { Chart } from './chart.js';
import { showLog } from './logs.js';
import { menuButton } from './menu.js';
import { cpuText, memoryText, stateOf, stateText, STOPPED } from './server.js';

const SOON_MS = 300;

const cell = (label, kind, ...content) => element('td', { role: 'cell', class: kind, 'data-label': label }, ...content);

// What the server runs as, where its driver has names for that.
const placeOf = (place) => [place?.pod_name, place?.node].filter(Boolean).join(' · ');

// The cells of one server, to be put into a row.
class ServerCells {
  constructor(owner, name, changed) {
    this.owner = owner;
    this.name = name;
    this.changed = changed;
    const label = fullLabel(owner, name);
    const said = (key) => {
      const words = t('of_server', { action: t(key), server: label });
      return { class: 'quiet only-icon', 'aria-label': words, title: t(key) };
    };
    const button = (key, act) => element('button', { type: 'button', ...said(key), onclick: act }, icon(key));
    this.state = element('span', { class: 'state' });
    this.place = element('span', { class: 'place' });
    this.cpu = element('span');
    this.cpuChart = new Chart('chart_cpu', asPercent);
    this.memory = element('span');
    this.memoryChart = new Chart('chart_memory', asBytes);
    this.active = element('time');
    this.log = button('log', () => showLog(owner, name));
    this.start = button('start', () => this.#ask('POST'));
    this.stop = button('stop', () => this.#askStop(label));
    this.open = element('a', { ...said('open'), class: 'button quiet only-icon' }, icon('open'));
    this.actions = element('td', { role: 'cell', class: 'actions' }, element('div', {}, this.log, this.stop, this.start, this.open));
    this.nodes = [
      cell(t('admin_server'), 'where', this.state, this.place),
      cell(t('cpu'), 'measure', this.cpu, this.cpuChart.node),
      cell(t('memory'), 'measure', this.memory, this.memoryChart.node),
      cell(t('last_activity'), 'when', this.active),
      this.actions,
    ];
  }

  show(server, lastActivity) {
    const state = stateOf(server);
    const usage = state === 'ready' ? server.usage : null;
    const history = usage?.history ?? [];
    const focused = this.actions.contains(document.activeElement);
    this.state.dataset.state = state;
    setText(this.state, stateText(state));
    setText(this.place, placeOf(server.state));
    setText(this.cpu, usage ? cpuText(usage) : '');
    setText(this.memory, usage ? memoryText(usage) : '');
    this.cpuChart.show(history.map(([time, cpu]) => [time, cpu]), 1);
    this.memoryChart.show(history.map(([time, , bytes]) => [time, bytes]), usage?.memory_limit_bytes ?? 0);
    setTime(this.active, lastActivity, t('never'));
    this.start.hidden = state !== 'stopped';
    this.stop.hidden = state !== 'ready' && state !== 'spawn';
    this.open.hidden = state !== 'ready';
    this.open.href = server.url;
    if (focused && document.activeElement.hidden) this.log.focus();
  }

  async #askStop(label) {
    if (await confirmed(t('admin_stop_heading', { server: label }), t('admin_stop_text'), t('stop'))) this.#ask('DELETE');
  }

  async #ask(method) {
    setTimeout(this.changed, SOON_MS); // the answer may wait for the server
    await send(method, serverPath(this.owner, this.name)).catch(complain);
    this.changed();
  }
}

class NamedRow {
  constructor(owner, name, changed) {
    this.cells = new ServerCells(owner, name, changed);
    const head = element('th', { role: 'rowheader', scope: 'row', class: 'named' }, element('span', {}, name));
    this.node = element('tr', { role: 'row', class: 'named' }, head, ...this.cells.nodes);
  }

  show(server) {
    this.cells.show(server, server.last_activity);
  }
}

// asked: {changed(), makeAdmin(model), editGroups(model), remove(model)}, what the table does for a row.
export class UserRow {
  constructor(name, asked) {
    this.name = name;
    this.asked = asked;
    this.named = new Map(); // name → NamedRow
    this.cells = new ServerCells(name, '', asked.changed);
    this.tag = element('span', { class: 'tag', hidden: true }, t('admin_tag'));
    this.count = element('span');
    this.more = element('button', { type: 'button', class: 'quiet fold', 'aria-expanded': 'false', hidden: true, onclick: () => this.#fold() }, this.count, element('span', { class: 'unseen' }, t('admin_servers', { name })), icon('down'));
    this.cells.actions.firstChild.append(...menuButton(t('admin_more', { name }), () => this.#items()));
    const head = element('th', { role: 'rowheader', scope: 'row' }, element('span', { class: 'name' }, name), this.tag, this.more);
    this.node = element('tr', { role: 'row' }, head, ...this.cells.nodes);
  }

  get open() {
    return this.more.getAttribute('aria-expanded') === 'true';
  }

  // All rows, in their order.
  get nodes() {
    return [this.node, ...[...this.named.values()].map((row) => row.node)];
  }

  show(model) {
    this.model = model;
    const { '': usual = STOPPED, ...others } = model.servers ?? {};
    this.tag.hidden = !model.admin;
    this.cells.show(usual, model.last_activity);
    for (const [name, row] of this.named) {
      if (name in others) continue;
      row.node.remove();
      this.named.delete(name);
    }
    for (const [name, server] of Object.entries(others)) {
      if (!this.named.has(name)) this.named.set(name, new NamedRow(this.name, name, this.asked.changed));
      this.named.get(name).show(server);
    }
    this.more.hidden = this.named.size === 0;
    setText(this.count, `+${this.named.size}`);
    this.#showNamed();
  }

  #fold() {
    this.more.setAttribute('aria-expanded', String(!this.open));
    this.#showNamed();
  }

  #showNamed() {
    for (const row of this.named.values()) row.node.hidden = !this.open;
  }

  #items() {
    const { model, asked } = this;
    const self = this.name === me;
    return [
      { text: t('admin_start_with'), href: hubUrl('spawn', this.name) },
      !self && { text: t(model.admin ? 'admin_unmake' : 'admin_make'), act: () => asked.makeAdmin(model) },
      { text: t('admin_groups'), act: () => asked.editGroups(model) },
      !self && { text: t('admin_delete'), act: () => asked.remove(model), danger: true },
    ].filter(Boolean);
  }
}
