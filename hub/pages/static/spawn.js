// The profiles to choose from. The form is the browser's own: `profile` is the slug of the chosen one.
import { asBytes, asCores, asNumber, byId, element, t } from './page.js';
import { optionFields } from './option.js';

const given = byId('main').dataset;
const profiles = JSON.parse(given.profiles || '[]');
const chosen = JSON.parse(given.chosen || '{}'); // user options to begin with
const usual = profiles.find((profile) => profile.slug === chosen.profile)
  ?? profiles.find((profile) => profile.default) ?? profiles[0];

function limits(profile) {
  const said = [];
  if (profile.cpu_limit) said.push(t('spawn_cores', { cores: asCores(profile.cpu_limit) }));
  if (profile.memory_limit) said.push(t('spawn_memory', { memory: asBytes(profile.memory_limit) }));
  if (profile.gpus) said.push(t('spawn_gpus', { gpus: asNumber(profile.gpus) }));
  return said;
}

// What is chosen beside a profile is there while the profile is the chosen one.
function card(profile, place) {
  const id = `profile-${place}`;
  const options = optionFields(profile, place, profile === usual ? chosen : {});
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
  const pick = element(
    'label',
    { class: 'pick' },
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
  return { radio, options, node: element('div', { class: 'choice' }, pick, options) };
}

if (profiles.length > 0) {
  const cards = profiles.map(card);
  const show = () => {
    for (const { radio, options } of cards) if (options) options.hidden = options.disabled = !radio.checked;
  };
  const legend = element('legend', { class: 'unseen' }, t('spawn_profile'));
  const all = element('fieldset', { class: 'choices', onchange: show }, legend, ...cards.map(({ node }) => node));
  show();
  byId('profiles').append(all);
}
