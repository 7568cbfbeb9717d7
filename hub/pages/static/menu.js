// A button with a small menu under it: the browser's popover, put beside its button.
import { element, icon } from './page.js';

const GAP_PX = 4;
let made = 0;

function place(menu, button) {
  const at = button.getBoundingClientRect();
  const size = menu.getBoundingClientRect();
  const below = at.bottom + GAP_PX + size.height <= window.innerHeight;
  menu.style.top = `${below ? at.bottom + GAP_PX : Math.max(GAP_PX, at.top - GAP_PX - size.height)}px`;
  menu.style.left = `${Math.max(GAP_PX, at.right - size.width)}px`;
}

// items() → [{text, act, danger} or {text, href}, …], asked each time it opens. Returns [button, menu].
export function menuButton(label, items) {
  const id = `menu-${++made}`;
  const menu = element('div', { id, class: 'menu', popover: 'auto' });
  const button = element('button', { type: 'button', class: 'quiet only-icon', popovertarget: id, 'aria-label': label, title: label }, icon('more'));
  const entry = ({ text, act, danger, href }) =>
    href
      ? element('a', { class: 'button', href }, text)
      : element('button', { type: 'button', class: danger ? 'danger' : null, onclick: () => (menu.hidePopover(), act()) }, text);
  const hide = () => menu.hidePopover();
  const follow = () => place(menu, button);
  menu.addEventListener('beforetoggle', (event) => {
    if (event.newState === 'open') menu.replaceChildren(...items().map(entry));
  });
  menu.addEventListener('toggle', (event) => {
    if (event.newState === 'open') {
      follow();
      window.addEventListener('resize', follow);
      window.addEventListener('scroll', hide, { once: true, passive: true });
    } else {
      window.removeEventListener('resize', follow);
      window.removeEventListener('scroll', hide);
    }
  });
  return [button, menu];
}
