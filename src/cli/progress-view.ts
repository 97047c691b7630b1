/**
 * The progress of a job as lines of text: for a terminal as many as fit, drawn again in place, and one
 * line for a log. Pure: width, height and colours are given.
 *
 *   wordcount  RUNNING  12.3 s  1.23 M records  103 k/s  1.9 cores  peak 312 MB
 *
 *   operator              records/s  records  time                 queue
 *   Text File ×2              103 k    1.2 M  ████████████▓▓▓░░░░░
 *   └ Flat Map                103 k    1.2 M
 *   Keyed Aggregation ×2     2.10 M   24.8 M  ███████████████░░░░░  12/24
 *
 * A line per operator; operators that run as one chain hang below the first one, because time and queue are
 * those of the task that runs the chain.
 */
import {CANCELING_HINT} from './cancellation.ts';
import {cutTo, displayWidth, harmless} from './display-width.ts';
import {showBytes, showCount, showDuration, showRate, showShare} from './figures.ts';
import type {Paint} from './paint.ts';
import type {JobProgress, VertexProgress} from './progress-meter.ts';

export interface ViewOptions {
  readonly jobName: string;
  readonly status: string;
  /** Somebody has asked the job to end. */
  readonly isCanceling: boolean;
  readonly columns: number;
  readonly rows: number;
  readonly paint: Paint;
}

const BUSY = '█';
const BACKPRESSURED = '▓';
const IDLE = '░';

/** From these widths on there is room for more columns. */
const COLUMNS_FOR_QUEUE = 64;
const COLUMNS_FOR_TOTALS = 52;
const COLUMNS_FOR_BAR = 40;
const COLUMNS_FOR_SHARES = 104;
const NAME_COLUMNS_MAX = 56;

const RATE_WIDTH = 9;
const TOTAL_WIDTH = 8;
const QUEUE_WIDTH = 7;
const SHARE_WIDTH = 6;

interface Column {
  readonly title: string;
  readonly width: number;
  readonly isLeft?: boolean;
}

/** The lines of the display; none is wider than `columns - 1`, and they are fewer than `rows`. */
export function progressLines(progress: JobProgress, options: ViewOptions): string[] {
  const {columns, rows, paint} = options;
  const width = Math.max(1, columns - 1);
  const head = headLine(progress, options, width);
  if (progress.vertices.length === 0 || columns < COLUMNS_FOR_BAR || rows < 6) return [head];

  const hasShares = columns >= COLUMNS_FOR_SHARES;
  const fixed: Column[] = [
    {title: 'records/s', width: RATE_WIDTH},
    ...(columns >= COLUMNS_FOR_TOTALS ? [{title: 'records', width: TOTAL_WIDTH}] : []),
    {
      title: 'time',
      width: columns < COLUMNS_FOR_QUEUE ? 10 : 20,
      isLeft: true,
    },
    ...(hasShares
      ? ['busy', 'backpr.', 'idle'].map(title => ({
          title,
          width: Math.max(SHARE_WIDTH, title.length),
        }))
      : []),
    ...(columns >= COLUMNS_FOR_QUEUE ? [{title: 'queue', width: QUEUE_WIDTH}] : []),
  ];
  const room = width - fixed.reduce((used, column) => used + column.width + 2, 0);
  const nameWidth = Math.min(room, NAME_COLUMNS_MAX);

  const line = (cells: ReadonlyArray<string | undefined>): string =>
    cells
      .map((cell, index) => {
        const column = index === 0 ? {width: nameWidth, isLeft: true} : fixed[index - 1]!;
        const text = cell ?? '';
        const blank = ' '.repeat(Math.max(0, column.width - visibleWidth(text)));
        return column.isLeft === true ? text + blank : blank + text;
      })
      .join('  ')
      .trimEnd();

  const body: string[] = [];
  for (const vertex of progress.vertices) {
    const chain = rowsOfVertex(vertex, nameWidth, paint);
    for (const [index, {name, rate, total}] of chain.entries()) {
      const isFirst = index === 0;
      const cells: Record<string, string | undefined> = {
        'records/s': rate,
        records: total,
        ...(isFirst ? timeCells(vertex, fixed, paint) : {}),
        queue: isFirst && vertex.queue !== undefined ? queueText(vertex.queue) : undefined,
      };
      body.push(line([name, ...fixed.map(({title}) => cells[title])]));
    }
  }
  const legend = paint(
    'dim',
    cutTo(
      options.isCanceling
        ? CANCELING_HINT
        : hasShares
          ? 'time of the last second; queue: batches waiting / most that may'
          : `time of the last second: ${BUSY} busy  ${BACKPRESSURED} backpressured  ${IDLE} idle`,
      width,
    ),
  );
  const title = paint('dim', line(['operator', ...fixed.map(column => column.title)]));
  // Head, blank, title and legend, and the line that the cursor is on.
  const shown = fitRows(body, rows - 5, paint);
  return [head, '', title, ...shown, legend];
}

/** The progress as one line, for a log. */
export function progressLogLine(progress: JobProgress, {jobName, status}: ViewOptions): string {
  const busiest = progress.vertices.reduce<VertexProgress | undefined>(
    (most, vertex) => (most === undefined || vertex.busy > most.busy ? vertex : most),
    undefined,
  );
  return [
    `${harmless(jobName)}: ${status}`,
    showDuration(progress.elapsedMs),
    ...(busiest === undefined
      ? []
      : [
          `${showCount(progress.records)} records`,
          `${showRate(progress.recordsPerSecond)}/s`,
          `busiest ${harmless(busiest.operators[0]!.name)} ${showShare(busiest.busy)}`,
          `peak ${showBytes(progress.peakMemoryBytes)}`,
        ]),
  ].join(', ');
}

/** A bar of `width` cells for three shares that sum to at most 1. */
export function timeBar(
  {busy, backpressured, idle}: Pick<VertexProgress, 'busy' | 'backpressured' | 'idle'>,
  width: number,
  paint: Paint,
): string {
  // Borders are rounded, not lengths, so that the cells always add up.
  const first = Math.round(busy * width);
  const second = Math.round((busy + backpressured) * width);
  const third = Math.round(Math.min(1, busy + backpressured + idle) * width);
  return (
    paint('green', BUSY.repeat(first)) +
    paint('red', BACKPRESSURED.repeat(second - first)) +
    paint('dim', IDLE.repeat(third - second))
  );
}

function headLine(
  progress: JobProgress,
  {jobName, status, paint}: ViewOptions,
  width: number,
): string {
  const parts =
    progress.vertices.length === 0
      ? [showDuration(progress.elapsedMs)]
      : [
          showDuration(progress.elapsedMs),
          `${width < 100 ? showRate(progress.records) : showCount(progress.records)} records`,
          `${showRate(progress.recordsPerSecond)}/s`,
          `${progress.cores.toFixed(1)} cores`,
          `peak ${showBytes(progress.peakMemoryBytes)}`,
        ];
  // What does not fit is left out from the end: a cut figure would be a wrong one.
  const name = cutTo(harmless(jobName), Math.max(12, width - 50));
  let used = displayWidth(`${name}  ${status}`);
  if (used > width) return cutTo(`${name}  ${status}`, width);
  let line = `${paint('bold', name)}  ${paint('cyan', status)}`;
  for (const part of parts) {
    if (used + 2 + part.length > width) break;
    line += `  ${part}`;
    used += 2 + part.length;
  }
  return line;
}

function rowsOfVertex(vertex: VertexProgress, nameWidth: number, paint: Paint) {
  return vertex.operators.map(({name, records, recordsPerSecond}, index) => {
    const times = index === 0 && vertex.parallelism > 1 ? ` ×${vertex.parallelism}` : '';
    const indent = index === 0 ? '' : '└ ';
    const room = nameWidth - displayWidth(indent) - displayWidth(times);
    return {
      name: indent + cutTo(harmless(name), room) + paint('dim', times),
      rate: showRate(recordsPerSecond),
      total: showRate(records),
    };
  });
}

function timeCells(vertex: VertexProgress, columns: readonly Column[], paint: Paint) {
  const bar = columns.find(({title}) => title === 'time')!;
  return {
    [bar.title]: vertex.isFinished ? paint('dim', 'finished') : timeBar(vertex, bar.width, paint),
    ...(vertex.isFinished
      ? {}
      : {
          busy: showShare(vertex.busy),
          'backpr.': showShare(vertex.backpressured),
          idle: showShare(vertex.idle),
        }),
  };
}

function queueText({length, lengthMax}: {length: number; lengthMax: number}): string {
  return `${Math.min(length, lengthMax)}/${lengthMax}`;
}

/** As many lines as there is room for, and how many more there are. */
function fitRows(lines: readonly string[], room: number, paint: Paint): readonly string[] {
  if (lines.length <= room) return lines;
  const shown = Math.max(0, room - 1);
  return [...lines.slice(0, shown), paint('dim', `… and ${lines.length - shown} more operators`)];
}

/** Columns of a text that may have colours. */
function visibleWidth(text: string): number {
  // eslint-disable-next-line no-control-regex
  return displayWidth(text.replace(/\u001b\[[0-9;]*m/g, ''));
}
