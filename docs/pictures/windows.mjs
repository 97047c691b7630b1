/**
 * Draws windows.svg, the picture of docs/concepts/windows.md: `node docs/pictures/windows.mjs`. The records
 * are the same for every kind of window, and windows are computed from them.
 */
import {writeFileSync} from 'node:fs';

const WIDTH = 960;
const LEFT = 150;
const PER_MS = 18;
const FONT = "font-family='Helvetica, Arial, sans-serif'";
const INK = '#1f2933';
const QUIET = '#616e7c';
const COLORS = ['#2f6fb0', '#b5562c', '#3c8c5a', '#7a4fa3'];

/** Times of the records of one key. */
const TIMES = [1, 3, 4, 11, 13, 19, 20, 22, 33, 36];
const END = 43;

const parts = [];
const x = time => LEFT + time * PER_MS;

function text(left, y, words, {size = 13, color = INK, anchor = 'start', weight = 'normal'} = {}) {
  parts.push(
    `<text x='${left}' y='${y}' font-size='${size}' fill='${color}' text-anchor='${anchor}' font-weight='${weight}' ${FONT}>${words}</text>`,
  );
}

function records(y) {
  for (const time of TIMES) parts.push(`<circle cx='${x(time)}' cy='${y}' r='4' fill='${INK}'/>`);
}

/** A window as a bar, with the number of records in it. */
function bar([start, end], y, color) {
  const count = TIMES.filter(time => time >= start && time < end).length;
  if (count === 0) return;
  const [from, to] = [x(Math.max(start, -0.7)), x(Math.min(end, END)) - 2];
  parts.push(
    `<rect x='${from}' y='${y}' width='${to - from}' height='16' rx='4' fill='${color}' fill-opacity='0.18' stroke='${color}'/>`,
  );
  text((from + to) / 2, y + 12, `[${start}, ${end}) ${count}`, {
    size: 10.5,
    color,
    anchor: 'middle',
  });
}

/** A kind of window: its name, what makes it, and rows of windows. */
function kind(y, name, maker, rows, color) {
  text(14, y + 14, name, {weight: 'bold'});
  text(14, y + 31, maker, {size: 11, color: QUIET});
  parts.push(
    `<line x1='${x(-0.7)}' y1='${y + 10}' x2='${x(END)}' y2='${y + 10}' stroke='#cbd2d9'/>`,
  );
  records(y + 10);
  rows.forEach((windows, row) => windows.forEach(window => bar(window, y + 24 + row * 20, color)));
  return y + 24 + rows.length * 20 + 22;
}

function range(count, make) {
  return Array.from({length: count}, (_, index) => make(index));
}

function sessions(gap) {
  const found = [];
  for (const time of TIMES) {
    const last = found.at(-1);
    if (last !== undefined && time <= last[1]) last[1] = time + gap;
    else found.push([time, time + gap]);
  }
  return found;
}

let y = 24;
y = kind(y, 'tumbling', 'size 10', [range(4, n => [n * 10, n * 10 + 10])], COLORS[0]);
const sliding = range(10, n => [n * 5 - 5, n * 5 + 5]);
y = kind(
  y,
  'sliding',
  'size 10, slide 5',
  [sliding.filter((_, n) => n % 2 === 0), sliding.filter((_, n) => n % 2 === 1)],
  COLORS[1],
);
y = kind(y, 'session', 'gap 6', [sessions(6)], COLORS[2]);
y = kind(
  y,
  'cumulative',
  'size 20, step 10',
  [
    [
      [0, 10],
      [20, 30],
    ],
    [
      [0, 20],
      [20, 40],
    ],
  ],
  COLORS[3],
);
parts.push(`<line x1='${x(-0.7)}' y1='${y}' x2='${x(END)}' y2='${y}' stroke='${INK}'/>`);
for (let time = 0; time <= 40; time += 5) {
  parts.push(`<line x1='${x(time)}' y1='${y}' x2='${x(time)}' y2='${y + 5}' stroke='${INK}'/>`);
  text(x(time), y + 19, String(time), {size: 11, color: QUIET, anchor: 'middle'});
}
text(14, y + 19, 'event time', {size: 11, color: QUIET});

const svg = `<svg xmlns='http://www.w3.org/2000/svg' width='${WIDTH}' height='${y + 34}' viewBox='0 0 ${WIDTH} ${y + 34}'><rect width='100%' height='100%' fill='#ffffff'/>${parts.join('')}</svg>\n`;
writeFileSync(new URL('windows.svg', import.meta.url), svg);
