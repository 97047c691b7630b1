/**
 * Finds what keeps a value from being cloned into another thread. The error that the runtime throws does
 * not say where in the value the culprit is. Only for values that could not be cloned; slow.
 */

/** Path of the first part of `value` that cannot be cloned, such as `items.3.check`; '' is `value` itself. */
export function cloneFaultPath(value: unknown): string {
  const path: string[] = [];
  let current = value;
  for (;;) {
    const part = Object.entries((current ?? {}) as object).find(([, inner]) => !canBeCloned(inner));
    if (part === undefined) return path.join('.');
    path.push(part[0]);
    current = part[1];
  }
}

/** Whether `value` could be handed to another thread. */
export function canBeCloned(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}
