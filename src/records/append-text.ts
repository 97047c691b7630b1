/**
 * Generates the text that takes one value apart and writes it as a row. It is plain statements and no
 * function, so that a chain puts it behind its last operator in the same loop: V8 then sees that the
 * record never leaves the loop and does not build it at all.
 *
 * The statements run in two phases. First every field is read once and checked against its column,
 * and the room is found; nothing is written, a value that does not fit leaves through `break`. Then
 * all columns are stored. Names of variables start with the caller's prefix; names of fields appear
 * as string literals only.
 */
import {
  byteTerms,
  doubleTerms,
  endTerms,
  indexText,
  integerTerms,
  MODE_DICTIONARY,
  MODE_LOCAL,
  MODE_PLAIN,
  STATE_MISSING,
  STATE_NULL,
  STATE_UNDEFINED,
  STATE_VALUE,
  type BatchLayout,
  type ColumnPlace,
} from './batch-layout.ts';
import {propertyText, quote} from './compiler.ts';
import {eachPlace, isNullable, recordTree, type LeafNode, type ObjectNode} from './record-tree.ts';
import {ALLOWS_MISSING, ALLOWS_NULL, ALLOWS_UNDEFINED} from './schema.ts';
import {
  APPENDED,
  APPENDED_FULL,
  MISFIT,
  TARGET_BOUND,
  TARGET_CAPACITY,
  TARGET_MODES,
  TARGET_ROOM,
  TARGET_ROWS,
  TARGET_SEGMENT,
  type OpenBatches,
} from './open-batches.ts';

/** Names in the caller's text: expressions without side effects, and the variable for the result. */
export interface AppendNames {
  readonly value: string;
  readonly target: string;
  readonly timestamp: string;
  readonly result: string;
  /** Put in front of every variable and binding; makes them unique in the caller's function. */
  readonly prefix: string;
  /**
   * The value is a plain object with exactly the schema's fields (`isShapeProvenBy`): only nested ones
   * are checked and counted. (V8 finds out by itself that a literal's prototype is the plain one, but
   * not if a call stands between the two; then it builds the record only to ask for its prototype.)
   */
  readonly isShapeProven?: boolean;
}

/** Text to be put into a generated function. */
export interface AppendText {
  /** Statements for the top of the function: they bind what the loop needs to locals. */
  readonly prologue: string;
  /** A block that appends and assigns the result. */
  readonly statements: string;
  /** What the function needs as parameters, by name. */
  readonly bindings: Record<string, unknown>;
}

/** Generates the text for the batches of `batches`; `countFields` refuses fields beyond the schema. */
export function appendText(
  batches: OpenBatches,
  names: AppendNames,
  countFields: boolean,
): AppendText {
  return new AppendGenerator(batches, names, countFields).generate();
}

class AppendGenerator {
  readonly #batches: OpenBatches;
  readonly #layout: BatchLayout;
  readonly #names: AppendNames;
  readonly #countFields: boolean;
  readonly #lines: string[] = [];
  readonly #bindings: Record<string, unknown> = {};
  readonly #prologue: string[] = [];
  #tree: ObjectNode | undefined;
  #temporaries = 0;

  constructor(batches: OpenBatches, names: AppendNames, countFields: boolean) {
    this.#batches = batches;
    this.#layout = batches.layout;
    this.#names = names;
    this.#countFields = countFields;
  }

  /** Whether batches of some target are read in this thread. */
  get #hasLocal(): boolean {
    return this.#layout.heapCount > 0 && this.#batches.isLocal.includes(true);
  }

  generate(): AppendText {
    const {schema, heapCount, heaps} = this.#layout;
    const {value, target, timestamp, result, prefix} = this.#names;
    const {arena} = this.#batches;
    this.#bind('words', arena.words);
    this.#bind('doubles', arena.doubles);
    this.#bind('bytes', arena.bytes);
    this.#bind('state', this.#batches.state);
    this.#bind('batches', this.#batches);
    this.#bind('prototypeOf', Object.getPrototypeOf);
    this.#bind('plain', Object.prototype);
    this.#bind('hasOwn', Object.hasOwn);
    if (heapCount > 0) this.#bind('texts', this.#batches.texts);
    if (this.#hasLocal) this.#bind('localTexts', this.#batches.localTexts);

    const label = `${prefix}append`;
    this.#line(`${label}: {`);
    this.#line(`${result} = ${MISFIT};`);
    const needsEncoder = heaps.some(({column}) => column.type !== 'string');
    if (needsEncoder) this.#line(`${this.#name('batches')}.resetEncoder();`);
    if (schema.kind === 'value') {
      const place = this.#layout.places[0]!;
      this.#field(place, value, undefined, label, true);
    } else {
      const tree = recordTree(this.#layout.places);
      this.#tree = tree;
      const record = this.#temporary('record');
      this.#line(`const ${record} = ${value};`);
      if (this.#names.isShapeProven !== true) {
        this.#line(`if (typeof ${record} !== 'object' || ${record} === null) break ${label};`);
      }
      this.#object(tree, record, label, true);
    }

    const at = `${prefix}at`;
    const rows = `${prefix}rows`;
    const capacity = `${prefix}capacity`;
    const segment = `${prefix}segment`;
    const state = this.#name('state');
    const batchesName = this.#name('batches');
    const isFixed = heapCount === 0;
    this.#line(`const ${at} = (${target}) * ${this.#batches.stride};`);
    const binding = isFixed ? 'const' : 'let';
    this.#line(`${binding} ${rows} = ${state}[${at} + ${TARGET_ROWS}];`);
    this.#line(`${binding} ${capacity} = ${state}[${at} + ${TARGET_CAPACITY}];`);
    if (isFixed) {
      this.#line(`if (${rows} >= ${capacity}) {`);
      this.#line(`${result} = ${batchesName}.refuse(${target}, 0);`);
      this.#line(`break ${label};`);
      this.#line('}');
    } else {
      const need = `${prefix}need`;
      this.#line(`let ${need} = ${this.#needText()};`);
      for (const place of heaps) {
        if (place.column.type !== 'string') continue;
        const [field, code] = [this.#var('f', place), this.#var('d', place)];
        const heap = place.regionIndex;
        const dictionary = this.#bind(`dictionary${heap}`, this.#batches.dictionaries[heap]);
        this.#line(`let ${code} = -1;`);
        const mode = `${state}[${at} + ${TARGET_MODES + heap}]`;
        this.#line(`if (${mode} === ${MODE_DICTIONARY}) {`);
        this.#line(`${code} = ${dictionary}.find(${target}, ${field});`);
        this.#line(`${need} += ${code} < 0 ? 4 : -2 * ${field}.length;`);
        this.#line('}');
        if (this.#hasLocal) {
          this.#line(`else if (${mode} === ${MODE_LOCAL}) ${need} -= ${field}.length;`);
        }
      }
      const bound = `${state}[${at} + ${TARGET_BOUND}]`;
      const isOverRoom = `${bound} + ${need} > ${state}[${at} + ${TARGET_ROOM}]`;
      const makesRoom = `${batchesName}.makeRoom(${target}, ${need})`;
      this.#line(`if (${rows} >= ${capacity} || ${isOverRoom} && !${makesRoom}) {`);
      this.#line(`${result} = ${batchesName}.refuse(${target}, ${need});`);
      this.#line(`if (${result} !== ${APPENDED}) break ${label};`);
      this.#line(`${rows} = 0;`);
      this.#line(`${capacity} = ${state}[${at} + ${TARGET_CAPACITY}];`);
      this.#line('}');
      this.#line(`${bound} += ${need};`);
    }
    this.#line(`const ${segment} = ${state}[${at} + ${TARGET_SEGMENT}];`);
    if (this.#layout.hasTimestamps) {
      const index = indexText(doubleTerms(this.#layout, 0), segment, capacity);
      this.#line(`${this.#name('doubles')}[${index} + ${rows}] = ${timestamp};`);
    }
    for (const place of this.#layout.places) this.#store(place, at, rows, segment, capacity);
    this.#line(`${state}[${at} + ${TARGET_ROWS}] = ${rows} + 1;`);
    this.#line(`${result} = ${rows} + 1 === ${capacity} ? ${APPENDED_FULL} : ${APPENDED};`);
    this.#line('}');
    return {
      prologue: this.#prologue.join('\n'),
      statements: this.#lines.join('\n'),
      bindings: this.#bindings,
    };
  }

  /** Reads, checks and counts the fields of an object that is known to be an object. */
  #object(node: ObjectNode, object: string, label: string, isRequired: boolean): void {
    const isProven = node === this.#tree && this.#names.isShapeProven === true;
    if (!isProven) {
      const plain = this.#name('plain');
      this.#line(`if (${this.#name('prototypeOf')}(${object}) !== ${plain}) break ${label};`);
    }
    let absent: string | undefined;
    const canLack = node.children.some(
      child => ((child.place?.column.nullability ?? 0) & ALLOWS_MISSING) !== 0,
    );
    const isCounted = this.#countFields && !isProven;
    if (isCounted && canLack) {
      absent = this.#temporary('absent');
      this.#line(`let ${absent} = 0;`);
    }
    for (const child of node.children) {
      const access = propertyText(object, child.name);
      if (child.kind === 'leaf') {
        this.#field(child.place, access, {object, absent, child}, label, isRequired);
      } else {
        this.#nested(child, access, object, absent, label, isRequired);
      }
    }
    if (isCounted) {
      const count = this.#temporary('count');
      const expected = absent === undefined ? '' : ` - ${absent}`;
      this.#line(`let ${count} = 0;`);
      this.#line(`for (const ${this.#temporary('key')} in ${object}) ${count} += 1;`);
      this.#line(`if (${count} !== ${node.children.length}${expected}) break ${label};`);
    }
  }

  #nested(
    node: ObjectNode,
    access: string,
    object: string,
    absent: string | undefined,
    label: string,
    isRequired: boolean,
  ): void {
    const inner = this.#temporary('object');
    this.#line(`const ${inner} = ${access};`);
    if (!isNullable(node)) {
      this.#line(`if (typeof ${inner} !== 'object' || ${inner} === null) break ${label};`);
      this.#object(node, inner, label, isRequired);
      return;
    }
    // What lies inside is only read if the object is there: defaults are stored otherwise.
    if (isRequired) this.#declareState(node.place!);
    for (const child of node.children) {
      eachPlace(child, place => {
        if (!isRequired) return;
        this.#declareState(place);
        this.#declare(place);
      });
    }
    this.#absence(node.place!, inner, {object, absent, child: node}, label);
    this.#line(`else {`);
    this.#line(`if (typeof ${inner} !== 'object') break ${label};`);
    this.#object(node, inner, label, false);
    this.#line('}');
  }

  /** `isRequired` is false inside an object that may be absent: the variables are declared there. */
  #field(
    place: ColumnPlace,
    access: string,
    parent: {object: string; absent: string | undefined; child: LeafNode} | undefined,
    label: string,
    isRequired: boolean,
  ): void {
    const field = this.#var('f', place);
    if (place.stateIndex < 0) {
      this.#line(`${isRequired ? 'const ' : ''}${field} = ${access};`);
      if (place.column.type === 'any' && parent !== undefined) {
        // Every other type refuses undefined anyway; here it is a value, but an absent field is none.
        const isOwn = `${this.#name('hasOwn')}(${parent.object}, ${quote(parent.child.name)})`;
        this.#line(`if (${field} === undefined && !${isOwn}) break ${label};`);
      }
      this.#check(place, field, label);
      this.#encode(place, field, isRequired);
      return;
    }
    const raw = this.#temporary('raw');
    if (isRequired) {
      this.#declareState(place);
      this.#declare(place);
    }
    this.#line(`const ${raw} = ${access};`);
    this.#absence(place, raw, parent, label);
    this.#line('else {');
    if (place.region === 'none') {
      this.#line(`break ${label};`);
    } else {
      this.#check(place, raw, label);
      this.#line(`${field} = ${raw};`);
      this.#encode(place, field, false);
    }
    this.#line('}');
  }

  /** `if … else if …` for null, undefined and missing; the caller continues with `else`. */
  #absence(
    place: ColumnPlace,
    raw: string,
    parent: {object: string; absent: string | undefined; child: {name: string}} | undefined,
    label: string,
  ): void {
    const {nullability} = place.column;
    const state = this.#var('s', place);
    const holdsAny = place.column.type === 'any' && place.region !== 'none';
    if (!holdsAny) {
      const onNull = nullability & ALLOWS_NULL ? `${state} = ${STATE_NULL};` : `break ${label};`;
      this.#line(`if (${raw} === null) { ${onNull} }`);
      this.#line('else');
    }
    const allowsUndefined = holdsAny || (nullability & ALLOWS_UNDEFINED) !== 0;
    const allowsMissing = (nullability & ALLOWS_MISSING) !== 0 && parent !== undefined;
    if (holdsAny) {
      const isMissing = `!${this.#name('hasOwn')}(${parent!.object}, ${quote(parent!.child.name)})`;
      this.#line(`if (${raw} === undefined && ${isMissing}) {`);
      this.#line(`${state} = ${STATE_MISSING};`);
      if (parent!.absent !== undefined) this.#line(`${parent!.absent} += 1;`);
      this.#line('}');
      return;
    }
    this.#line(`if (${raw} === undefined) {`);
    const onUndefined = allowsUndefined ? `${state} = ${STATE_UNDEFINED};` : `break ${label};`;
    if (allowsMissing) {
      const {object, absent, child} = parent!;
      this.#line(
        `if (${this.#name('hasOwn')}(${object}, ${quote(child.name)})) { ${onUndefined} } else { ${state} = ${STATE_MISSING}; ${absent === undefined ? '' : `${absent} += 1;`} }`,
      );
    } else if (allowsUndefined && parent !== undefined) {
      this.#line(
        `if (!${this.#name('hasOwn')}(${parent.object}, ${quote(parent.child.name)})) break ${label};`,
      );
      this.#line(onUndefined);
    } else {
      this.#line(onUndefined);
    }
    this.#line('}');
  }

  #check(place: ColumnPlace, field: string, label: string): void {
    const test = this.#testText(place, field);
    if (test !== '') this.#line(`if (!(${test})) break ${label};`);
  }

  #testText(place: ColumnPlace, field: string): string {
    const prototypeIs = (name: string, prototype: object) =>
      `${this.#name('prototypeOf')}(${field}) === ${this.#bind(name, prototype)}`;
    switch (place.column.type) {
      case 'int32':
        return `typeof ${field} === 'number' && (${field} | 0) === ${field} && (${field} !== 0 || 1 / ${field} > 0)`;
      case 'float64':
        return `typeof ${field} === 'number'`;
      case 'boolean':
      case 'string':
      case 'bigint':
        return `typeof ${field} === '${place.column.type}'`;
      case 'date':
        return `typeof ${field} === 'object' && ${field} !== null && ${prototypeIs('datePrototype', Date.prototype)}`;
      case 'bytes':
        return `typeof ${field} === 'object' && ${field} !== null && (${prototypeIs('bytesPrototype', Uint8Array.prototype)} || ${prototypeIs('bufferPrototype', Buffer.prototype)})`;
      case 'list':
        return `${this.#name('batches')}.acceptsList(${this.#layout.places.indexOf(place)}, ${field})`;
      default:
        return '';
    }
  }

  /** Encodes a value whose bytes are known only then; it is copied to its heap in the second phase. */
  #encode(place: ColumnPlace, field: string, isDeclaredHere: boolean): void {
    if (place.region !== 'ends' || place.column.type === 'string') return;
    const end = this.#var('e', place);
    const declare = isDeclaredHere ? 'const ' : '';
    this.#line(
      `${declare}${end} = ${this.#name('batches')}.encodeField(${place.regionIndex}, ${field});`,
    );
  }

  #declareState(place: ColumnPlace): void {
    if (place.stateIndex >= 0) this.#line(`let ${this.#var('s', place)} = ${STATE_VALUE};`);
  }

  #declare(place: ColumnPlace): void {
    const {type} = place.column;
    if (place.region === 'none') return;
    const fallback = {
      string: "''",
      boolean: 'false',
      int32: '0',
      float64: '0',
    }[type as string];
    this.#line(`let ${this.#var('f', place)} = ${fallback ?? 'undefined'};`);
    if (place.region === 'ends' && type !== 'string') {
      this.#line(`let ${this.#var('e', place)} = 0;`);
    }
  }

  /** What the heap needs at most: two bytes per UTF-16 unit, and the encoded bytes. */
  #needText(): string {
    const parts: string[] = [];
    for (const place of this.#layout.heaps) {
      if (place.column.type === 'string') parts.push(`2 * ${this.#var('f', place)}.length`);
      else parts.push(this.#var('e', place));
    }
    return parts.join(' + ');
  }

  #store(place: ColumnPlace, at: string, rows: string, segment: string, capacity: string): void {
    const field = this.#var('f', place);
    const index = (terms: Parameters<typeof indexText>[0]) => indexText(terms, segment, capacity);
    const [words, doubles, bytes] = ['words', 'doubles', 'bytes'].map(name => this.#name(name));
    const {regionIndex: place_} = place;
    switch (place.region) {
      case 'integers':
        this.#line(`${words}[${index(integerTerms(this.#layout, place_))} + ${rows}] = ${field};`);
        break;
      case 'doubles': {
        const value =
          place.column.type === 'date'
            ? `(${field} === undefined ? 0 : ${field}.getTime())`
            : field;
        this.#line(`${doubles}[${index(doubleTerms(this.#layout, place_))} + ${rows}] = ${value};`);
        break;
      }
      case 'bytes': {
        const terms = byteTerms(this.#layout, place_);
        this.#line(`${bytes}[${index(terms)} + ${rows}] = ${field} ? 1 : 0;`);
        break;
      }
      case 'ends': {
        const heap = `(${this.#names.target}) * ${this.#layout.heapCount} + ${place_}`;
        const end = `${words}[${index(endTerms(this.#layout, place_))} + ${rows} + 1]`;
        if (place.column.type !== 'string') {
          const batches = this.#name('batches');
          this.#line(
            `${end} = ${batches}.commitField(${this.#names.target}, ${place_}, ${this.#var('e', place)});`,
          );
          break;
        }
        const [texts, code] = [this.#name('texts'), this.#var('d', place)];
        const text = this.#temporary('text');
        const dictionary = this.#name(`dictionary${place_}`);
        const mode = `${this.#name('state')}[${at} + ${TARGET_MODES + place_}]`;
        this.#line(`if (${mode} === ${MODE_PLAIN}) {`);
        this.#line(`const ${text} = ${texts}[${heap}] + ${field};`);
        this.#line(`${texts}[${heap}] = ${text};`);
        const flushed = `${this.#name('state')}[${at} + ${TARGET_MODES + this.#layout.heapCount + place_}]`;
        this.#line(`${end} = ${flushed} + ${text}.length;`);
        if (this.#hasLocal) {
          this.#line(`} else if (${mode} === ${MODE_LOCAL}) {`);
          this.#line(`${this.#name('localTexts')}[${heap}].push(${field});`);
          this.#line(`${end} = ${rows};`);
        }
        this.#line('} else {');
        this.#line(`if (${code} < 0) {`);
        this.#line(`${code} = ${dictionary}.add(${this.#names.target});`);
        this.#line(`${this.#name('batches')}.addEntry(${heap}, ${field});`);
        this.#line('}');
        this.#line(`${end} = ${code};`);
        this.#line('}');
        break;
      }
      case 'none':
        break;
    }
    if (place.stateIndex >= 0) {
      const terms = byteTerms(this.#layout, place.stateIndex);
      this.#line(`${bytes}[${index(terms)} + ${rows}] = ${this.#var('s', place)};`);
    }
  }

  #name(name: string): string {
    return `${this.#names.prefix}${name}_`;
  }

  #var(kind: string, place: ColumnPlace): string {
    return `${this.#names.prefix}${kind}${this.#layout.places.indexOf(place)}`;
  }

  #temporary(kind: string): string {
    return `${this.#names.prefix}${kind}${this.#temporaries++}t`;
  }

  /** Makes `value` known to the function, as parameter and as local. */
  #bind(name: string, value: unknown): string {
    const parameter = `${this.#names.prefix}${name}`;
    if (!(parameter in this.#bindings)) {
      this.#bindings[parameter] = value;
      this.#prologue.push(`const ${parameter}_ = ${parameter};`);
    }
    return `${parameter}_`;
  }

  #line(text: string): void {
    this.#lines.push(text);
  }
}
