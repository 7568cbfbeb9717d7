// A line over the last minutes, as small as a word.
import { svg, t } from './page.js';

const WIDTH = 88;
const HEIGHT = 22;

// points: [[unix_s, value], …], oldest first; top: the value at the upper edge, at least.
function path(points, top) {
  const from = points[0][0];
  const span = Math.max(points.at(-1)[0] - from, 1);
  const x = (time) => (((time - from) / span) * WIDTH).toFixed(1);
  const y = (value) => (HEIGHT - 1 - (Math.min(value / top, 1) * (HEIGHT - 3))).toFixed(1);
  return points.map(([time, value], i) => `${i ? 'L' : 'M'}${x(time)} ${y(value)}`).join('');
}

export class Chart {
  constructor(textKey, asText) {
    this.textKey = textKey;
    this.asText = asText;
    this.area = svg('path', { class: 'area' });
    this.line = svg('path', { class: 'line' });
    this.node = svg('svg', { class: 'chart', role: 'img', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none' }, this.area, this.line);
  }

  show(points, top) {
    this.node.toggleAttribute('hidden', points.length < 2);
    if (points.length < 2) return;
    const values = points.map(([, value]) => value);
    const high = Math.max(...values);
    const line = path(points, Math.max(top, high) || 1);
    this.line.setAttribute('d', line);
    this.area.setAttribute('d', `${line}V${HEIGHT}H0Z`);
    const minutes = Math.max(1, Math.round((points.at(-1)[0] - points[0][0]) / 60));
    const label = t(this.textKey, { minutes, low: this.asText(Math.min(...values)), high: this.asText(high) });
    this.node.setAttribute('aria-label', label);
  }
}
