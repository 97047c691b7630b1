/** Lines that are drawn again in place, seen on the screen of a small terminal. */
import test from 'ava';
import {TerminalArea} from '../../src/cli/terminal-area.ts';

/**
 * A screen that obeys what the area uses: line feed, carriage return, cursor up, erase to the end of the
 * line and below. It keeps everything, like a terminal with its history.
 */
class Screen {
  columns = 40;
  rows = 24;
  readonly lines: string[] = [''];
  #row = 0;
  #column = 0;

  write(text: string): void {
    for (const [, code, character] of text.matchAll(/(\u001b\[\d*[A-Z])|([^])/g)) {
      if (code !== undefined) this.#obey(code);
      else this.#put(character!);
    }
  }

  #obey(code: string): void {
    const amount = Number(code.slice(2, -1) || '1');
    switch (code.at(-1)) {
      case 'A':
        this.#row = Math.max(0, this.#row - amount);
        break;
      case 'K':
        this.lines[this.#row] = this.lines[this.#row]!.slice(0, this.#column);
        break;
      case 'J':
        this.lines[this.#row] = this.lines[this.#row]!.slice(0, this.#column);
        this.lines.length = this.#row + 1;
        break;
      default:
        throw new Error(`the screen does not know ${JSON.stringify(code)}`);
    }
  }

  #put(character: string): void {
    if (character === '\r') {
      this.#column = 0;
    } else if (character === '\n') {
      this.#column = 0;
      this.#row += 1;
      if (this.#row === this.lines.length) this.lines.push('');
    } else {
      const line = this.lines[this.#row]!.padEnd(this.#column);
      this.lines[this.#row] =
        line.slice(0, this.#column) + character + line.slice(this.#column + 1);
      this.#column += 1;
    }
  }
}

function areaOn(screen: Screen) {
  const area = new TerminalArea(screen);
  return {
    area,
    print: (text: string) => area.writeAbove(() => screen.write(text), text.endsWith('\n')),
  };
}

test('lines are drawn again in place, also when they become shorter and fewer', t => {
  const screen = new Screen();
  const {area} = areaOn(screen);
  screen.write('$ millrace run\n');

  area.show(['first line', 'second line', 'third']);
  t.deepEqual(screen.lines, ['$ millrace run', 'first line', 'second line', 'third', '']);

  area.show(['1st', '2nd']);
  t.deepEqual(screen.lines, ['$ millrace run', '1st', '2nd', '']);
});

test('a cleared area leaves nothing behind', t => {
  const screen = new Screen();
  const {area} = areaOn(screen);

  area.show(['a', 'b']);
  area.clear();
  area.clear();

  t.deepEqual(screen.lines, ['']);
});

test('output of others goes above the lines and stays', t => {
  const screen = new Screen();
  const {area, print} = areaOn(screen);

  area.show(['progress 1', 'legend']);
  print('record 1\n');
  area.show(['progress 2', 'legend']);
  print('record 2\nrecord 3\n');

  t.deepEqual(screen.lines, ['record 1', 'record 2', 'record 3', 'progress 2', 'legend', '']);
});

test('lines wait until somebody else has ended his line', t => {
  const screen = new Screen();
  const {area, print} = areaOn(screen);

  area.show(['progress 1']);
  print('half a ');
  t.deepEqual(screen.lines, ['half a ']);
  area.show(['progress 2']);
  t.deepEqual(screen.lines, ['half a ']);
  print('line\n');

  t.deepEqual(screen.lines, ['half a line', 'progress 2', '']);
});

test('an echoed ^C does not move the lines', t => {
  const screen = new Screen();
  const {area} = areaOn(screen);

  area.show(['progress 1', 'legend']);
  screen.write('^C');
  area.show(['progress 2', 'legend']);

  t.deepEqual(screen.lines, ['progress 2', 'legend', '']);
});

test('a terminal that became narrower has wrapped the lines, and all of them are replaced', t => {
  const screen = new Screen();
  const {area} = areaOn(screen);
  screen.write('before\n');
  area.show(['a line of twenty-six chars', '\u001b[2mdim\u001b[22m']);

  // The terminal wraps what it shows; the cursor stays below it.
  screen.lines.splice(1, 3, 'a line of twenty-six', ' chars', 'dim', '');
  screen.columns = 20;
  screen.write('\n');
  area.show(['short', 'dim']);

  t.deepEqual(screen.lines, ['before', 'short', 'dim', '']);
});
