/**
 * Stops real code just before any of its Atomics calls and does something else there: what another
 * thread might do at that moment, or die. Systematic where threads are only lucky. While an
 * operation runs here, `Atomics` is wrapped, in this thread only; what interrupts it is not.
 */
const NAMES = ['load', 'store', 'add', 'sub', 'and', 'or', 'exchange', 'compareExchange'] as const;

/** Thrown by an interruption that lets the operation die. */
export class ThreadDeath extends Error {
  override readonly name = 'ThreadDeath';
}

/**
 * Runs `operation`, and `interruption` before its Atomics call number `point` (from 0). Returns
 * whether the operation made that many calls; otherwise it ran undisturbed.
 */
export function runPreempted(
  operation: () => void,
  point: number,
  interruption: () => void,
): boolean {
  const originals = NAMES.map(name => [name, Atomics[name]] as const);
  const table = Atomics as unknown as Record<string, (...args: unknown[]) => unknown>;
  const restore = () => {
    for (const [name, original] of originals) table[name] = original as (typeof table)[string];
  };
  let calls = 0;
  let isInterrupted = false;
  for (const [name, original] of originals) {
    table[name] = (...args) => {
      if (calls === point) {
        restore();
        isInterrupted = true;
        interruption();
      }
      calls += 1;
      return Reflect.apply(original, Atomics, args) as unknown;
    };
  }
  try {
    operation();
  } catch (error) {
    if (!(error instanceof ThreadDeath)) throw error;
  } finally {
    restore();
  }
  return isInterrupted;
}
