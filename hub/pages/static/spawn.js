// The profiles to choose from. The form is the browser's own: `profile` is the slug of the chosen one.
import { asBytes, asCores, asNumber, byId, element, t } from './page.js';

const profiles = JSON.parse(byId('main').dataset.profiles || '[]');
const usual = profiles.find((profile) => profile.default) ?? profiles[0];

function limits(profile) {
  const said = [];
  if (profile.cpu_limit) said.push(t('spawn_cores', { cores: asCores(profile.cpu_limit) }));
  if (profile.memory_limit) said.push(t('spawn_memory', { memory: asBytes(profile.memory_limit) }));
  if (profile.gpus) said.push(t('spawn_gpus', { gpus: asNumber(profile.gpus) }));
  return said;
}

function card(profile, place) {
  const id = `profile-${place}`;
  const radio = element('input', {
    type: 'radio',
    name: 'profile',
    value: profile.slug,
    checked: profile === usual,
    required: true,
    'aria-labelledby': `${id}-name`,
    'aria-describedby': `${id}-about`,
  });
  const said = limits(profile);
  return element(
    'label',
    { class: 'choice' },
    radio,
    element(
      'span',
      { class: 'about' },
      element('span', { id: `${id}-name`, class: 'name' }, profile.name),
      element(
        'span',
        { id: `${id}-about`, class: 'stack tight' },
        profile.description ? element('span', { class: 'muted' }, profile.description) : null,
        said.length > 0 ? element('span', { class: 'tags' }, ...said.map((text) => element('span', { class: 'tag' }, text))) : null,
      ),
    ),
  );
}

if (profiles.length > 0) {
  const legend = element('legend', { class: 'unseen' }, t('spawn_profile'));
  byId('profiles').append(element('fieldset', { class: 'choices' }, legend, ...profiles.map(card)));
}
