/**
 * How long state lives. Flink's rules: processing time only; a value, an element of a list or an entry
 * of a map has expired when `lastUpdate + ttl <= now`. Plain immutable data.
 */
import {StreamError, showValue} from '../base/errors.ts';
import {nearestTo} from '../base/nearest.ts';

/** What renews a value's life. */
export type TtlUpdateType = 'onCreateAndWrite' | 'onReadAndWrite' | 'disabled';

/** Whether an expired value that is still there can be read, once. */
export type TtlVisibility = 'neverReturnExpired' | 'returnExpiredIfNotCleanedUp';

/**
 * When expired values that nobody reads go away.
 *
 *   fullSnapshot   they are left out of snapshots; those in memory stay until they are read
 *   incremental    each access to the state looks at `entriesPerAccess` further entries
 *   none           only what is read goes away
 */
export type TtlCleanup =
  | {readonly kind: 'fullSnapshot'}
  | {readonly kind: 'incremental'; readonly entriesPerAccess?: number}
  | {readonly kind: 'none'};

/**
 * Units:    `ttlMs` in milliseconds of processing time, > 0.
 * Defaults: renewed by each write; an expired value is never returned; clean-up incremental with 5
 *           entries per access, and on snapshots.
 * Source:   Flink, StateTtlConfig and TtlStateFactory (flink.md §5).
 */
export interface StateTtlConfig {
  readonly ttlMs: number;
  readonly updateType?: TtlUpdateType;
  readonly visibility?: TtlVisibility;
  readonly cleanup?: TtlCleanup;
}

/** A TTL with every default filled in. */
export interface CheckedTtl {
  readonly ttlMs: number;
  readonly renewsOnRead: boolean;
  readonly returnsExpired: boolean;
  /** Entries that an access looks at; 0 for none. */
  readonly entriesPerAccess: number;
  readonly dropsInSnapshot: boolean;
}

const ENTRIES_PER_ACCESS = 5;

const UPDATE_TYPES: readonly TtlUpdateType[] = ['onCreateAndWrite', 'onReadAndWrite', 'disabled'];
const VISIBILITIES: readonly TtlVisibility[] = [
  'neverReturnExpired',
  'returnExpiredIfNotCleanedUp',
];
const CLEANUPS: ReadonlyArray<TtlCleanup['kind']> = ['fullSnapshot', 'incremental', 'none'];

/**
 * Undefined if nothing expires. Errors: `E_STATE_TTL` for a ttl or a number of entries that is no positive
 * number, and for words that mean nothing here.
 */
export function checkTtl(name: string, config: StateTtlConfig | undefined): CheckedTtl | undefined {
  if (config === undefined) return undefined;
  const {ttlMs, updateType = 'onCreateAndWrite', visibility, cleanup} = config;
  if (typeof ttlMs !== 'number' || !(ttlMs > 0)) {
    throw new StreamError(
      'E_STATE_TTL',
      'the time to live of a state is not positive',
      {state: name, ttlMs},
      {remedy: 'give ttlMs in milliseconds, or leave ttl out'},
    );
  }
  checkChoice(name, 'updateType', updateType, UPDATE_TYPES);
  if (visibility !== undefined) checkChoice(name, 'visibility', visibility, VISIBILITIES);
  if (cleanup !== undefined) checkChoice(name, 'cleanup', cleanup.kind, CLEANUPS);
  if (updateType === 'disabled') return undefined;
  const entriesPerAccess =
    cleanup === undefined
      ? ENTRIES_PER_ACCESS
      : cleanup.kind === 'incremental'
        ? (cleanup.entriesPerAccess ?? ENTRIES_PER_ACCESS)
        : 0;
  if (cleanup?.kind === 'incremental' && !(entriesPerAccess > 0)) {
    throw new StreamError(
      'E_STATE_TTL',
      'an incremental clean-up looks at no entries',
      {state: name, entriesPerAccess},
      {remedy: "give a number above 0, or {kind: 'none'}"},
    );
  }
  return {
    ttlMs,
    renewsOnRead: updateType === 'onReadAndWrite',
    returnsExpired: visibility === 'returnExpiredIfNotCleanedUp',
    entriesPerAccess,
    dropsInSnapshot: cleanup?.kind !== 'none',
  };
}

function checkChoice(state: string, option: string, value: string, known: readonly string[]): void {
  if (known.includes(value)) return;
  throw new StreamError(
    'E_STATE_TTL',
    'an option of a time to live has a value that means nothing',
    {state, option, value: showValue(value), nearest: nearestTo(String(value), known)},
    {remedy: `write one of ${known.join(', ')}`},
  );
}
