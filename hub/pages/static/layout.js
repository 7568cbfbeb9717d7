// On every page: where we are in the navigation, and the other language.
const { page, base } = document.body.dataset;

document.querySelector(`.places [data-place="${page}"]`)?.setAttribute('aria-current', 'page');

const other = document.getElementById('language');
other.hidden = false;
other.addEventListener('click', () => {
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  document.cookie = `hubgate-lang=${other.value}; Path=${base}hub/; Max-Age=31536000; SameSite=Lax${secure}`;
  location.reload();
});
