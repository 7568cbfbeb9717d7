// A server that is starting: its progress as the hub tells it, then the server or the reason why not.
import { byId, element, lang, setText, t, translated } from './page.js';
import { apiPath, get } from './api.js';

const AGAIN_MS = 1500;
const main = byId('main');
const { owner, server, next, progressUrl } = main.dataset;
const began = Date.now();
const clock = new Intl.DateTimeFormat(lang, { timeStyle: 'medium' });
let said = '';
let over = main.dataset.failed !== '';

function step(message) {
  setText(byId('step'), message);
  if (message === said) return;
  said = message;
  const now = new Date();
  const time = element('time', { datetime: now.toISOString() }, clock.format(now));
  byId('events').append(element('li', {}, time, element('span', {}, message)));
}

function ready(url) {
  over = true;
  byId('progress').value = 100;
  setText(byId('step'), t('pending_ready'));
  location.replace(next || url);
}

function failed(message, log = '') {
  over = true;
  main.dataset.failed = message;
  setText(byId('reason'), translated(message));
  byId('log').textContent = log;
  byId('log').scrollTop = byId('log').scrollHeight;
  document.title = `${t('failed_heading')} · Hubgate`;
  byId('failure').focus();
}

function take(event) {
  if (typeof event.progress === 'number') byId('progress').value = Math.max(byId('progress').value, event.progress);
  if (event.failed) failed(event.message, event.log);
  else if (event.ready) ready(event.url);
  else if (event.message) step(translated(event.message));
}

// The stream is closed when the hub restarts, and refused when nothing is starting (any more): the server's
// model says which it was.
async function ask() {
  const path = `${apiPath('users', owner)}?include_stopped_servers=1`;
  const model = await get(path).then((found) => found.servers[server] ?? {}, () => null);
  if (over) return;
  if (model?.ready) ready(model.url);
  else if (model && !model.pending) failed(t('pending_stopped'));
  else {
    if (!model) setText(byId('step'), t('pending_lost'));
    setTimeout(model ? follow : ask, AGAIN_MS);
  }
}

function follow() {
  const stream = new EventSource(progressUrl);
  stream.onmessage = (message) => {
    take(JSON.parse(message.data));
    if (over) stream.close();
  };
  stream.onerror = () => {
    stream.close();
    if (!over) ask();
  };
}

if (!over) {
  follow();
  const timer = setInterval(() => {
    if (over) clearInterval(timer);
    setText(byId('elapsed'), t('pending_elapsed', { seconds: Math.round((Date.now() - began) / 1000) }));
  }, 1000);
} else {
  setText(byId('reason'), translated(main.dataset.failed));
  byId('failure').focus();
}
