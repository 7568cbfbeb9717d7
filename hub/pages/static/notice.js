// What the page says by itself: a line at the bottom, and the same to screen readers.
import { byId, element, icon, setText, t } from './page.js';

const STAYS_MS = 6000;

// To screen readers alone.
export function announce(text) {
  byId('announcer').textContent = text;
}

// A status goes by itself unless it `stays`; an alert stays until it is dismissed or .remove() is called.
export function notice(text, { kind = 'status', link = null, stays = kind === 'alert' } = {}) {
  const words = element('span', {}, text);
  const dismiss = element(
    'button',
    { type: 'button', class: 'quiet only-icon', 'aria-label': t('dismiss'), onclick: () => line.remove() },
    icon('close'),
  );
  const line = element('div', { class: 'notice', role: kind === 'alert' ? 'alert' : null }, words, link, dismiss);
  line.setWords = (other) => setText(words, other);
  byId('notices').append(line);
  if (kind === 'status') announce(text);
  if (!stays) setTimeout(() => line.remove(), STAYS_MS);
  return line;
}

export const complain = (error) => notice(error.message, { kind: 'alert' });
