// The log of a server, in a dialog, followed as it grows.
import { element, fullLabel, t } from './page.js';
import { send, serverPath } from './api.js';
import { complain } from './notice.js';
import { showDialog } from './dialog.js';

const LINES = 200;
const FOLLOW_MS = 2000;
const AT_END_PX = 24;

export async function showLog(owner, server) {
  const lines = element('pre', { class: 'log tall', tabindex: '0', 'aria-label': t('log') });
  const follow = element('input', { type: 'checkbox', checked: true });
  const close = element('form', { method: 'dialog' }, element('button', { autofocus: true }, t('close')));
  const path = `${serverPath(owner, server, 'logs')}?lines=${LINES}`;
  let open = true;
  let before = null;

  const look = async () => {
    if (!open || (before !== null && !follow.checked)) return;
    const text = await (await send('GET', path, { accept: 'text/plain' })).text();
    if (text === before) return;
    const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < AT_END_PX;
    lines.textContent = text || t('log_empty');
    if (atEnd || before === null) lines.scrollTop = lines.scrollHeight;
    before = text;
  };
  const turn = async () => {
    try {
      await look();
      if (open) setTimeout(turn, FOLLOW_MS);
    } catch (error) {
      if (open) complain(error);
    }
  };

  turn();
  const tools = element('div', { class: 'row apart' }, element('label', { class: 'check' }, follow, t('log_follow')), close);
  await showDialog(t('log_heading', { server: fullLabel(owner, server) }), [lines, tools], { large: true });
  open = false;
}
