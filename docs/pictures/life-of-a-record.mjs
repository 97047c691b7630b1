/**
 * Draws life-of-a-record.svg, the picture of docs/architecture.md: `node docs/pictures/life-of-a-record.mjs`.
 * The picture is data below; everything that is not a place or a word is in the few functions.
 */
import {writeFileSync} from 'node:fs';

const WIDTH = 1040;
const HEIGHT = 640;
const FONT = "font-family='Helvetica, Arial, sans-serif'";
const INK = '#1f2933';
const QUIET = '#616e7c';
const parts = [];

const escape = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');

function text(x, y, words, {size = 13, color = INK, anchor = 'middle', weight = 'normal'} = {}) {
  parts.push(
    `<text x='${x}' y='${y}' font-size='${size}' fill='${color}' text-anchor='${anchor}' font-weight='${weight}' ${FONT}>${escape(words)}</text>`,
  );
}

/** A box with lines of text in its middle. */
function box(x, y, width, height, lines, {fill = '#ffffff', stroke = INK, size = 13} = {}) {
  parts.push(
    `<rect x='${x}' y='${y}' width='${width}' height='${height}' rx='6' fill='${fill}' stroke='${stroke}' stroke-width='1.2'/>`,
  );
  const first = y + height / 2 - ((lines.length - 1) * (size + 4)) / 2 + size / 2 - 2;
  lines.forEach((line, index) => text(x + width / 2, first + index * (size + 4), line, {size}));
}

/** A thread: a frame with its name. */
function thread(x, y, width, height, name) {
  parts.push(
    `<rect x='${x}' y='${y}' width='${width}' height='${height}' rx='10' fill='#f5f7fa' stroke='#9aa5b1' stroke-width='1.2' stroke-dasharray='6 4'/>`,
  );
  text(x + 14, y + 20, name, {anchor: 'start', size: 12, color: QUIET, weight: 'bold'});
}

/** A line through points, with a head at its end. */
function arrow(points, {color = INK, dash = '', width = 1.6} = {}) {
  const path = points.map(([x, y], index) => `${index === 0 ? 'M' : 'L'} ${x} ${y}`).join(' ');
  const [[fromX, fromY], [toX, toY]] = points.slice(-2);
  const angle = Math.atan2(toY - fromY, toX - fromX);
  const corner = turn => {
    const at = angle + turn;
    return `${(toX - 9 * Math.cos(at)).toFixed(1)},${(toY - 9 * Math.sin(at)).toFixed(1)}`;
  };
  parts.push(
    `<path d='${path}' fill='none' stroke='${color}' stroke-width='${width}' stroke-dasharray='${dash}'/>`,
    `<polygon points='${toX},${toY} ${corner(0.4)} ${corner(-0.4)}' fill='${color}'/>`,
  );
}

/** The number of a step. */
function step(x, y, number) {
  parts.push(`<circle cx='${x}' cy='${y}' r='10' fill='#0b69a3'/>`);
  text(x, y + 4.5, String(number), {color: '#ffffff', weight: 'bold', size: 12});
}

const ENGINE = '#e3f8ff';
const SHARED = '#fff3c4';
const CONTROL = '#e9e4fb';

thread(20, 20, 480, 190, 'worker 0');
box(40, 62, 100, 60, ['source', 'reader'], {fill: ENGINE});
box(180, 52, 210, 80, ['one compiled loop', 'map → filter → keyBy', 'row = a few locals'], {
  fill: ENGINE,
});
box(180, 152, 210, 40, ['record writer: hash → channel'], {fill: ENGINE});
arrow([
  [140, 92],
  [180, 92],
]);
arrow([
  [285, 132],
  [285, 152],
]);
step(40, 62, 1);
step(180, 52, 2);
step(180, 152, 3);

thread(540, 20, 480, 190, 'worker 1');
box(560, 152, 150, 40, ['input gate'], {fill: ENGINE});
box(560, 52, 210, 80, ['one compiled loop', 'sum per key', 'reads the columns it needs'], {
  fill: ENGINE,
});
box(810, 52, 90, 80, ['keyed', 'state'], {fill: ENGINE});
box(810, 152, 190, 40, ['sink writer'], {fill: ENGINE});
arrow([
  [635, 152],
  [635, 132],
]);
arrow([
  [770, 80],
  [810, 80],
]);
arrow([
  [810, 104],
  [770, 104],
]);
arrow([
  [740, 132],
  [740, 172],
  [810, 172],
]);
step(560, 152, 5);
step(560, 52, 6);
step(810, 152, 7);

parts.push(
  `<rect x='20' y='250' width='1000' height='190' rx='10' fill='${SHARED}' stroke='#cb6e17' stroke-width='1.2'/>`,
);
text(910, 434, 'arena: one SharedArrayBuffer, planned before the job starts', {
  anchor: 'end',
  size: 12,
  color: '#8d2b0b',
  weight: 'bold',
});
box(180, 292, 210, 60, ['segment = column batch', 'numbers │ ends │ heap'], {stroke: '#cb6e17'});
box(430, 292, 180, 60, ['ring of descriptors', '(kind, segment, rows, bytes)'], {
  stroke: '#cb6e17',
  size: 12,
});
box(660, 292, 150, 60, ['segment pool', 'an owner per segment'], {stroke: '#cb6e17', size: 12});
box(850, 292, 150, 60, ['metrics of each task'], {stroke: '#cb6e17', size: 12});
box(430, 376, 180, 44, ['GRANTED: credits'], {stroke: '#cb6e17', size: 12});
box(180, 376, 210, 44, ['doorbells, control flags'], {stroke: '#cb6e17', size: 12});
step(430, 292, 4);

arrow([
  [260, 192],
  [260, 292],
]);
arrow([
  [330, 192],
  [330, 262],
  [480, 262],
  [480, 292],
]);
arrow([
  [560, 292],
  [560, 230],
  [600, 230],
  [600, 192],
]);
arrow(
  [
    [650, 192],
    [650, 398],
    [610, 398],
  ],
  {color: '#0b69a3', dash: '5 3'},
);
arrow(
  [
    [430, 398],
    [410, 398],
    [410, 230],
    [360, 230],
    [360, 192],
  ],
  {color: '#0b69a3', dash: '5 3'},
);
arrow(
  [
    [690, 192],
    [690, 292],
  ],
  {color: '#0b69a3', dash: '5 3'},
);
text(716, 246, 'given back, then a credit', {anchor: 'start', size: 12, color: '#0b69a3'});

thread(20, 480, 480, 140, 'coordinator thread');
box(
  40,
  516,
  440,
  84,
  [
    'plans · allocates the arena · starts workers (piscina)',
    'deploys, cancels, stops (comlink calls, flags beside the bells)',
    'watches: task states, pulses, deaths',
  ],
  {
    fill: CONTROL,
  },
);
thread(540, 480, 480, 140, 'host: your service or script');
box(
  560,
  516,
  440,
  84,
  [
    'start(url) · run.done · run.metrics() · cancel · stop',
    'run.input(…) and run.output(…): one more producer',
    'and consumer, under the same credits',
  ],
  {
    fill: CONTROL,
  },
);
arrow(
  [
    [240, 516],
    [240, 420],
  ],
  {color: '#6b46c1'},
);
arrow(
  [
    [925, 352],
    [925, 516],
  ],
  {color: '#6b46c1'},
);
arrow(
  [
    [560, 572],
    [480, 572],
  ],
  {color: '#6b46c1'},
);
arrow(
  [
    [480, 552],
    [560, 552],
  ],
  {color: '#6b46c1'},
);

const svg = [
  `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 ${WIDTH} ${HEIGHT}' width='${WIDTH}' height='${HEIGHT}' role='img'>`,
  '<title>The life of a record: from a source through a compiled loop, a column batch and a ring of descriptors to keyed state and a sink</title>',
  `<rect width='${WIDTH}' height='${HEIGHT}' fill='#ffffff'/>`,
  ...parts,
  '</svg>',
  '',
].join('\n');
writeFileSync(new URL('./life-of-a-record.svg', import.meta.url), svg);
