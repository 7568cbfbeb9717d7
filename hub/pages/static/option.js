// What is chosen beside a profile: one of each option's choices, or a text of one's own. The fields have the
// names that KubeSpawner's form gives them.
import { element, t } from './page.js';

const LENGTH_MAX = 512;

// The hub decides; this is to tell at once. Its expressions are Python's, and nearly ours.
function faultOf(text, { validation_regex: pattern, validation_message: message }) {
  if (!pattern) return '';
  try {
    return new RegExp(`^(?:${pattern})$`).test(text) ? '' : message ?? t('spawn_other_bad');
  } catch {
    return '';
  }
}

// The text field of an option: {node, use(whether it counts)}.
function otherField(id, name, other, text) {
  const hint = other.validation_message ? element('p', { id: `${id}-hint`, class: 'muted' }, other.validation_message) : null;
  const input = element('input', {
    id,
    name,
    value: text,
    maxlength: LENGTH_MAX,
    required: true,
    autocapitalize: 'none',
    autocomplete: 'off',
    spellcheck: 'false',
    'aria-describedby': hint ? hint.id : null,
    oninput: () => input.setCustomValidity(faultOf(input.value, other)),
  });
  input.setCustomValidity(faultOf(text, other));
  const node = element('div', { class: 'field' }, element('label', { for: id }, other.display_name ?? t('spawn_other_label')), input, hint);
  const use = (counts) => {
    node.hidden = !counts;
    input.disabled = !counts;
  };
  return { node, use, input };
}

// An option as a field or two. chosen: user options to begin with.
function optionField(id, name, option, chosen) {
  const { choices, unlisted_choice: other } = option;
  const text = chosen[`${option.key}--unlisted-choice`];
  const own = other && otherField(`${id}-other`, `${name}--unlisted-choice`, other, text ?? '');
  if (choices.length === 0) return own.node;
  const isOwn = own && (text || chosen[option.key] === 'unlisted-choice');
  const picked = choices.find((choice) => choice.id === chosen[option.key]) ?? choices.find((choice) => choice.default);
  const select = element(
    'select',
    { id },
    ...choices.map((choice) => element('option', { value: choice.id, selected: !isOwn && choice === picked }, choice.display_name ?? choice.id)),
    own ? element('option', { selected: Boolean(isOwn) }, other.display_name_in_choices ?? t('spawn_other')) : null,
  );
  const show = () => {
    const written = select.selectedIndex === choices.length;
    select.name = written ? '' : name;
    own?.use(written);
  };
  select.addEventListener('change', () => {
    show();
    if (!select.name) own.input.focus();
  });
  show();
  const field = element('div', { class: 'field' }, element('label', { for: id }, option.display_name ?? option.key), select);
  return own ? element('div', { class: 'stack tight' }, field, own.node) : field;
}

// All of a profile's, as one part of the form; null: it has none.
export function optionFields(profile, place, chosen) {
  if (profile.options.length === 0) return null;
  return element(
    'fieldset',
    { class: 'options' },
    element('legend', { class: 'unseen' }, t('spawn_options', { profile: profile.name })),
    ...profile.options.map((option, i) => optionField(`option-${place}-${i}`, `profile-option-${profile.slug}--${option.key}`, option, chosen)),
  );
}
