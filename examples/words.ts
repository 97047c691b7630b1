/**
 * Cuts text into words and counts them. A word is a maximal run of letters and digits of any script, in
 * lower case; all else, from spaces to emoji, is between words.
 */

const NOT_ASCII = /[^\x00-\x7f]/;
const ASCII_WORDS = /[a-z0-9]+/g;
const WORDS = /[\p{L}\p{N}]+/gu;
const BETWEEN_WORDS = /[^\p{L}\p{N}]/gu;

/** A longer text is cut up piece by piece: 100 MB on one line would be 20 million words at once. */
const PIECE_LENGTH = 1 << 16;

/** The words of a text, in their order. */
export function wordsOf(text: string): Iterable<string> {
  return text.length <= PIECE_LENGTH ? cutIntoWords(text) : wordsOfPieces(text);
}

/** How often each word occurs in a text. */
export function countWords(text: string): {word: string; count: number}[] {
  const counts = new Map<string, {word: string; count: number}>();
  for (const word of wordsOf(text)) {
    const known = counts.get(word);
    if (known === undefined) counts.set(word, {word, count: 1});
    else known.count += 1;
  }
  return [...counts.values()];
}

function cutIntoWords(text: string): string[] {
  // Most lines of English are plain ASCII, for which there is a way that is twice as fast.
  if (!NOT_ASCII.test(text)) return text.toLowerCase().match(ASCII_WORDS) ?? [];
  // Cut first: lower case may be longer and bring characters of other kinds ('İ' becomes two).
  return text.match(WORDS)?.map(word => word.toLowerCase()) ?? [];
}

function* wordsOfPieces(text: string): Generator<string> {
  for (let from = 0; from < text.length;) {
    BETWEEN_WORDS.lastIndex = from + PIECE_LENGTH;
    const to = BETWEEN_WORDS.exec(text)?.index ?? text.length;
    yield* cutIntoWords(text.slice(from, to));
    from = to;
  }
}
