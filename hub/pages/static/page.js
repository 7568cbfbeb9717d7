// What every page's script stands on: who is here, texts of the language, elements, addresses, times.
const given = document.body.dataset;
export const user = given.user;
export const isAdmin = given.admin === 'true';
export const base = given.base;
export const xsrf = given.xsrf;
export const lang = document.documentElement.lang;

const AMOUNT = /\d+(\.\d+)?( [KMGT]iB)?/g;
const { default: texts } = await import(`./lang/${lang}.js`);

// The text of that key, {names} in it replaced.
export function t(key, values = {}) {
  return texts[key].replace(/\{(\w+)\}/g, (_, name) => String(values[name]));
}

// Words of the language for a text of the hub's: its own key, with # for each number.
function wording(text) {
  const amounts = text.match(AMOUNT) ?? [];
  return texts[text.replace(AMOUNT, '#')]?.replace(/#/g, () => amounts.shift());
}

const FAILED = 'Spawn failed: ';

// A text of the hub's, as far as the language has words for it: where it goes on with what a cluster says,
// that stays.
export function translated(text) {
  if (text.startsWith(FAILED)) return texts[FAILED] + translated(text.slice(FAILED.length));
  const ends = [...text.matchAll(/, | \(|: /g)].map((mark) => mark.index);
  for (const end of [text.length, ...ends.reverse()]) {
    const words = wording(text.slice(0, end));
    if (words) return words + text.slice(end);
  }
  return text;
}

export const byId = (id) => document.getElementById(id);

// element('a', {href, class, onclick: f}, 'text', child): false and null leave an attribute or child out,
// true is an attribute without value.
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (typeof value === 'function') made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? '' : value);
  }
  made.append(...children.filter((child) => child !== null && child !== false));
  return made;
}

const SVG = 'http://www.w3.org/2000/svg';

export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const icons = new URL('./icons.svg', import.meta.url).href;

export function icon(name) {
  return svg('svg', { class: 'icon', 'aria-hidden': 'true' }, svg('use', { href: `${icons}#${name}` }));
}

// Sets a text only when it changes, so that screen readers and selections are left in peace.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const joined = (names) => names.map(encodeURIComponent).join('/');

// {base}hub/spawn/ada/project; the default server "" is left out.
export function hubUrl(page, ...names) {
  return `${base}hub/${[page, joined(names.filter((name) => name !== ''))].filter(Boolean).join('/')}`;
}

export const serverLabel = (server) => (server === '' ? t('default_server') : server);
export const fullLabel = (owner, server) => `${owner} · ${serverLabel(server)}`;

// Times: relative as people say them, absolute in the title.

const relative = new Intl.RelativeTimeFormat(lang);
const absolute = new Intl.DateTimeFormat(lang, { dateStyle: 'medium', timeStyle: 'medium' });
const CLOCKS_DIFFER_S = 5;
// Each unit from its second on, so that 45 days are not "1 month".
const UNITS = [['year', 31557600, 2], ['month', 2629800, 2], ['day', 86400, 1], ['hour', 3600, 1], ['minute', 60, 1]];

export function ago(iso) {
  const seconds = (Date.parse(iso) - Date.now()) / 1000;
  for (const [unit, length, least] of UNITS) {
    if (Math.abs(seconds) >= least * length) return relative.format(Math.round(seconds / length), unit);
  }
  return seconds > CLOCKS_DIFFER_S ? relative.format(1, 'minute') : t('just_now');
}

export const exactly = (iso) => absolute.format(new Date(iso));

// Shows text(ago) in a <time> that stays right as time goes by; a null iso shows `otherwise`.
export function setTime(node, iso, otherwise = '', text = (when) => when) {
  node.dateTime = iso ?? '';
  node.title = iso ? exactly(iso) : '';
  node.renew = () => setText(node, iso ? text(ago(iso)) : otherwise);
  node.renew();
}

setInterval(() => {
  for (const node of document.querySelectorAll('time')) node.renew?.();
}, 20000);

// Amounts.

const percent = new Intl.NumberFormat(lang, { style: 'percent', maximumFractionDigits: 0 });
const one = new Intl.NumberFormat(lang, { maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat(lang);

export const asPercent = (cores) => percent.format(cores);
export const asNumber = (number) => whole.format(number);
export const asCores = (cores) => one.format(cores);

export function asBytes(bytes) {
  const names = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  while (bytes >= 1000 && unit < names.length - 1) {
    bytes /= 1024;
    unit++;
  }
  return `${bytes < 10 ? one.format(bytes) : whole.format(Math.round(bytes))}\u00a0${names[unit]}`;
}

const UNLUCKY_MS = 10000;

// Runs `look` now and again and again, at the distance in ms that it resolves to, while the page is seen.
// Returns a function that looks at once.
export function whileSeen(look) {
  let timer = 0;
  let busy = false;
  let again = false;
  const turn = async () => {
    clearTimeout(timer);
    again = busy;
    if (busy || document.hidden) return;
    busy = true;
    let wait = UNLUCKY_MS;
    try {
      wait = await look();
    } finally {
      busy = false;
      timer = setTimeout(turn, again ? 0 : wait);
    }
  };
  document.addEventListener('visibilitychange', turn);
  turn();
  return turn;
}
