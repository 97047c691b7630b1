/**
 * Code blocks of Markdown pages, taken out so that they can be checked and run. The words behind the
 * language say what a block is; Markdown viewers do not show them.
 *
 *   ts, js                  a complete module. With a job as default export, the job is run in one
 *                           thread; any other module is run by importing it.
 *   ts no-run               a complete module that is only type-checked
 *   ts args=a,b             the arguments of the job
 *   … file=NAME             the block is this file; later blocks of the page may import or read it
 *   text output             what the block before it prints; lines of a job in any order
 *   anything else           text, not looked at
 */
import {basename} from 'node:path';

export interface DocBlock {
  readonly language: string;
  readonly text: string;
  /** Line of the opening fence, from 1. */
  readonly line: number;
  /** The name under which the block is saved; undefined if it is not. */
  readonly file: string | undefined;
  readonly isCode: boolean;
  readonly isRun: boolean;
  readonly args: readonly string[];
  /** What it prints, if the page says so. */
  readonly output: string | undefined;
}

const FENCE = /^ {0,3}(`{3,})(\S*)[ \t]*(.*)$/;

/** All blocks of a page. Throws if a fence is not closed or a word behind a language is unknown. */
export function blocksOf(markdown: string, page: string): DocBlock[] {
  const lines = markdown.split('\n');
  const blocks: DocBlock[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const open = FENCE.exec(lines[index]!);
    if (open === null) continue;
    const [, fence, language, words] = open;
    const start = index + 1;
    do index += 1;
    while (index < lines.length && lines[index]!.trim() !== fence);
    if (index === lines.length) throw new Error(`${page}:${start}: this fence is not closed`);
    const text = `${lines.slice(start, index).join('\n')}\n`;
    if (language === 'text' && words === 'output') {
      const before = blocks.pop();
      if (before?.isRun !== true) throw new Error(`${page}:${start}: output of nothing that runs`);
      blocks.push({...before, output: text});
    } else {
      blocks.push(blockOf(language!, words!, text, start, page));
    }
  }
  return blocks;
}

function blockOf(
  language: string,
  words: string,
  text: string,
  line: number,
  page: string,
): DocBlock {
  const isCode = language === 'ts' || language === 'js';
  let file = isCode ? `${basename(page, '.md')}-${line}.${language}` : undefined;
  let isRun = isCode;
  let args: string[] = [];
  for (const word of words.split(/\s+/).filter(each => each !== '')) {
    const [key, value] = word.split('=', 2);
    if (key === 'file' && value !== undefined) file = value;
    else if (key === 'args' && value !== undefined && isCode) args = value.split(',');
    else if (word === 'no-run' && isCode) isRun = false;
    else throw new Error(`${page}:${line}: nobody knows what "${word}" means for a block`);
  }
  return {language, text, line, file, isCode, isRun, args, output: undefined};
}
