// Dialogs: made when they are needed, gone when they are closed.
import { element, t } from './page.js';

let made = 0;

// Shows a dialog with that heading and content; resolves to its returnValue when it is closed, "" by Escape.
export function showDialog(heading, content, { large = false } = {}) {
  const id = `dialog-${++made}`;
  const dialog = element(
    'dialog',
    { class: large ? 'large' : null, 'aria-labelledby': id },
    element('div', { class: 'stack' }, element('h2', { id }, heading), ...content),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      dialog.remove();
      resolve(dialog.returnValue);
    });
  });
}

// A form of a dialog: fields, Cancel, and a button that says what happens. Its button is the answer "yes".
export function dialogForm(fields, action, { danger = false } = {}) {
  const leave = (event) => event.target.closest('dialog').close(); // no submit button: Enter means the other
  return element(
    'form',
    { method: 'dialog', class: 'stack' },
    ...fields,
    element(
      'div',
      { class: 'row end' },
      element('button', { type: 'button', autofocus: danger, onclick: leave }, t('cancel')),
      element('button', { value: 'yes', class: danger ? 'danger' : 'primary' }, action),
    ),
  );
}

// Asks before something that cannot be undone; resolves to whether to do it.
export async function confirmed(heading, text, action) {
  const form = dialogForm([element('p', {}, text)], action, { danger: true });
  return (await showDialog(heading, [form])) === 'yes';
}
