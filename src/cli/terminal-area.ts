/**
 * A few lines at the lower end of a terminal that are drawn again in place. The cursor rests at the
 * begin of the line below them; nothing else may write to the terminal but through `writeAbove`.
 *
 * Every change is one write, so that a terminal never shows half of it. The cursor stays visible: a
 * process that is killed leaves the terminal as it should be.
 */
import {stripVTControlCharacters} from 'node:util';
import {displayWidth} from './display-width.ts';
import type {SharedTerminal} from './standard-streams.ts';

/** What is needed of a terminal; tests have one of their own. */
export interface Terminal {
  readonly columns: number;
  readonly rows: number;
  write(text: string): unknown;
}

const ERASE_LINE_TAIL = '\u001b[K';
const ERASE_BELOW = '\u001b[J';
const up = (rows: number): string => (rows === 0 ? '' : `\u001b[${rows}A`);

export class TerminalArea implements SharedTerminal {
  readonly #terminal: Terminal;
  /** What the area shows; kept while it is hidden. */
  #lines: readonly string[] = [];
  #isShown = false;
  /** Somebody else has left the cursor in the middle of a line: the area has to wait for its end. */
  #isWaiting = false;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** Shows lines in place of those that are shown. They must not be wider than the terminal. */
  show(lines: readonly string[]): void {
    const rows = this.#isShown ? this.#rowsShown() : 0;
    this.#lines = lines;
    if (this.#isWaiting) return;
    this.#terminal.write(`${up(rows)}\r${this.#text()}${ERASE_BELOW}`);
    this.#isShown = true;
  }

  /** Removes the lines for good. */
  clear(): void {
    this.#hide();
    this.#lines = [];
  }

  writeAbove(write: () => void, endsLine: boolean): void {
    this.#hide();
    write();
    this.#isWaiting = !endsLine;
    if (this.#isWaiting || this.#lines.length === 0) return;
    this.#terminal.write(this.#text());
    this.#isShown = true;
  }

  #hide(): void {
    if (!this.#isShown) return;
    this.#terminal.write(`${up(this.#rowsShown())}\r${ERASE_BELOW}`);
    this.#isShown = false;
  }

  #text(): string {
    return this.#lines.map(line => `${line}${ERASE_LINE_TAIL}\n`).join('');
  }

  /** Rows that the lines take now: a terminal that has become narrower has wrapped them. */
  #rowsShown(): number {
    const {columns} = this.#terminal;
    let rows = 0;
    for (const line of this.#lines) {
      const width = displayWidth(stripVTControlCharacters(line));
      rows += Math.max(1, Math.ceil(width / columns));
    }
    return rows;
  }
}
