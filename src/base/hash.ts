/**
 * Hashes that decide where a record goes. They equal those of Flink (Java's `hashCode`, then
 * `MathUtils.murmurHash`), so that keys land in the same key groups. All arithmetic is on 32 bits.
 */

const DOUBLE = new Float64Array(1);
const DOUBLE_WORDS = new Int32Array(DOUBLE.buffer);

/** Flink's `MathUtils.murmurHash`: spreads a 32-bit hash, result ≥ 0. */
export function murmur(code: number): number {
  code = Math.imul(code, 0xcc9e2d51);
  code = (code << 15) | (code >>> 17);
  code = Math.imul(code, 0x1b873593);
  code = (code << 13) | (code >>> 19);
  code = (Math.imul(code, 5) + 0xe6546b64) | 0;
  code ^= 4;
  code ^= code >>> 16;
  code = Math.imul(code, 0x85ebca6b);
  code ^= code >>> 13;
  code = Math.imul(code, 0xc2b2ae35);
  code ^= code >>> 16;
  if (code >= 0) return code;
  return code === -2147483648 ? 0 : -code;
}

/** Java's `String.hashCode`, over UTF-16 units. */
export function hashString(text: string): number {
  let hash = 0;
  for (let i = 0; i < text.length; i += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
  return hash;
}

/** Java's `Double.hashCode`. */
export function hashDouble(value: number): number {
  DOUBLE[0] = value;
  return DOUBLE_WORDS[0]! ^ DOUBLE_WORDS[1]!;
}

/**
 * The hash of a number used as key: an integer within 32 bits hashes as Java's `Integer`, anything
 * else as `Double`. So a key hashes alike whether its column is int32 or float64. -0 is a double.
 */
export function hashNumber(value: number): number {
  if ((value | 0) === value && (value !== 0 || 1 / value > 0)) return value;
  return hashDouble(value);
}

/** Java's `Long.hashCode`, of the low 64 bits. */
export function hashBigint(value: bigint): number {
  const low = Number(BigInt.asIntN(32, value));
  const high = Number(BigInt.asIntN(32, value >> 32n));
  return low ^ high;
}

/** Java's `Boolean.hashCode`. */
export function hashBoolean(value: boolean): number {
  return value ? 1231 : 1237;
}

/** 32-bit FNV-1a over UTF-16 units; for identities inside the engine, not for keys. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  return hash >>> 0;
}
