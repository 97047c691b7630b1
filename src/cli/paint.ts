/**
 * Colours and weights of text on a terminal. Whoever renders gets a `Paint`, so that tests see plain text;
 * whether a stream takes colours is for Node to say, which knows NO_COLOR, FORCE_COLOR and terminals.
 */
import {styleText} from 'node:util';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Gives a text a style, or leaves it as it is. */
export type Paint = (style: Style, text: string) => string;

/** Leaves every text as it is. */
export const plainPaint: Paint = (_style, text) => text;

/** Colours for `stream` if it takes any. */
export function paintFor(stream: NodeJS.WriteStream): Paint {
  return (style, text) => (text === '' ? '' : styleText(style, text, {stream}));
}
