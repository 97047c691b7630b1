/**
 * What a run came to: for people a few lines and a table, for programs one JSON document. Pure. The
 * form of the document is part of the interface (docs/reference/cli.md): fields may be added, never
 * renamed.
 */
import {cutTo, displayWidth, harmless} from './display-width.ts';
import {showBytes, showCount, showDuration, showRate, showShare} from './figures.ts';
import type {Paint} from './paint.ts';
import type {RunOutcome, VertexOutcome} from './run-outcome.ts';

const NAME_COLUMNS_MAX = 44;
const NAME_COLUMNS_MIN = 12;

interface Row {
  readonly name: string;
  readonly cells: readonly string[];
}

/** The summary for people, in at most `columns` columns where that is possible. */
export function summaryLines(
  outcome: RunOutcome,
  {columns, paint}: {columns: number; paint: Paint},
): string[] {
  const {cpuSeconds, processSeconds, peakMemoryBytes} = outcome;
  const facts: Array<[string, string]> = [
    ['records', recordsText(outcome)],
    [
      'CPU',
      `${cpuSeconds.toFixed(2)} s  (${(cpuSeconds / processSeconds).toFixed(1)} cores on average)`,
    ],
    ['peak memory', showBytes(peakMemoryBytes)],
    ...Object.entries(outcome.accumulators)
      .filter(([name]) => !Object.hasOwn(outcome.counters, name))
      .map(([name, value]): [string, string] => [harmless(name), showCount(value)]),
    // Those of connectors count what should not happen: they are worth a line if it did.
    ...Object.entries(outcome.counters)
      .filter(([, value]) => value !== 0)
      .map(([name, value]): [string, string] => [harmless(name), showCount(value)]),
    ...Object.entries(outcome.collected).map(([name, values]): [string, string] => [
      harmless(name),
      `${showCount(values.length)} records collected; --json shows them`,
    ]),
  ];
  const width = Math.max(...facts.map(([name]) => displayWidth(name)));
  return [
    headline(outcome, paint),
    ...facts.map(([name, value]) => `  ${paint('dim', padTo(name, width))}  ${value}`),
    '',
    ...operatorTable(outcome.vertices, columns, paint),
  ];
}

/** The summary for programs. */
export function summaryJson(outcome: RunOutcome, exitCode: number): string {
  const {job, jobId, state, canceledBy, failures} = outcome;
  const document = {
    job,
    jobId,
    state,
    ...(canceledBy === undefined ? {} : {canceledBy}),
    exitCode,
    startMs: rounded(outcome.startMs),
    durationMs: rounded(outcome.durationMs),
    records: outcome.records,
    recordsPerSecond: rounded(outcome.recordsPerSecond),
    cpuSeconds: outcome.cpuSeconds,
    peakMemoryBytes: outcome.peakMemoryBytes,
    tasks: outcome.vertices.map(
      ({id, parallelism, busyMs, backpressuredMs, idleMs, operators}) => ({
        id,
        parallelism,
        busyMs: rounded(busyMs),
        backpressuredMs: rounded(backpressuredMs),
        idleMs: rounded(idleMs),
        operators,
      }),
    ),
    accumulators: outcome.accumulators,
    counters: outcome.counters,
    collected: outcome.collected,
    ...(failures.length === 0 ? {} : {error: failures[0], failures}),
  };
  return `${JSON.stringify(document, asJson, 2)}\n`;
}

/** To a thousandth: more digits would be noise. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

/** Values that JSON lacks, in a form that can be read; dates come as their ISO text anyway. */
function asJson(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (value instanceof Map) return [...value];
  if (value instanceof Set) return [...value];
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  return value;
}

/** What sources have emitted, and what the operator with the most work has taken. */
function recordsText({records, recordsPerSecond, vertices, durationMs}: RunOutcome): string {
  const read = `${showCount(records)} from sources  (${showRate(recordsPerSecond)}/s)`;
  let most = {name: '', recordsIn: 0};
  for (const {operators} of vertices) {
    for (const operator of operators) if (operator.recordsIn > most.recordsIn) most = operator;
  }
  if (most.recordsIn <= records) return read;
  const rate = showRate((most.recordsIn / durationMs) * 1000);
  return `${read}, ${showCount(most.recordsIn)} in ${harmless(most.name)}  (${rate}/s)`;
}

function headline(outcome: RunOutcome, paint: Paint): string {
  const {job, state, canceledBy, durationMs} = outcome;
  const name = paint('bold', harmless(job));
  const after = showDuration(durationMs);
  switch (state) {
    case 'FINISHED':
      return `${name} ${paint('green', 'finished')} in ${after}`;
    case 'CANCELED':
      return (
        `${name} ${paint('yellow', 'was cancelled')} after ${after}` +
        (canceledBy === undefined ? '' : ` (${canceledBy})`)
      );
    case 'FAILED':
      return `${name} ${paint('red', 'failed')} after ${after}`;
  }
}

function operatorTable(
  vertices: readonly VertexOutcome[],
  columns: number,
  paint: Paint,
): string[] {
  const titles: Row = {
    name: 'operator',
    cells: ['records in', 'records out', 'busy', 'backpr.', 'idle'],
  };
  const rows = vertices.flatMap(rowsOfVertex);
  const widths = titles.cells.map((title, index) =>
    Math.max(title.length, ...rows.map(({cells}) => cells[index]!.length)),
  );
  // The shares of time go first when there is no room.
  let shown = widths.length;
  const used = (): number => widths.slice(0, shown).reduce((sum, width) => sum + width + 2, 0);
  while (shown > 1 && columns - 1 - used() < NAME_COLUMNS_MIN) shown -= 1;
  const longest = Math.max(...[titles, ...rows].map(({name}) => displayWidth(name)));
  const nameWidth = Math.min(
    longest,
    NAME_COLUMNS_MAX,
    Math.max(NAME_COLUMNS_MIN, columns - 1 - used()),
  );
  const line = ({name, cells}: Row): string =>
    [
      padTo(cutTo(name, nameWidth), nameWidth),
      ...cells.slice(0, shown).map((cell, index) => cell.padStart(widths[index]!)),
    ]
      .join('  ')
      .trimEnd();
  return [paint('dim', line(titles)), ...rows.map(line)];
}

function rowsOfVertex(vertex: VertexOutcome): Row[] {
  const {busyMs, backpressuredMs, idleMs, parallelism, operators, isSource} = vertex;
  const wholeMs = busyMs + backpressuredMs + idleMs;
  const share = (ms: number): string => (wholeMs > 0 ? showShare(ms / wholeMs) : '');
  return operators.map(({name, recordsIn, recordsOut}, index) => {
    const times = index === 0 && parallelism > 1 ? ` ×${parallelism}` : '';
    const isLast = recordsOut === 0;
    return {
      name: `${index === 0 ? '' : '└ '}${harmless(name)}${times}`,
      cells: [
        isSource && index === 0 ? '' : showCount(recordsIn),
        isLast && index === operators.length - 1 ? '' : showCount(recordsOut),
        ...(index === 0 ? [share(busyMs), share(backpressuredMs), share(idleMs)] : ['', '', '']),
      ],
    };
  });
}

function padTo(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - displayWidth(text)));
}
