/**
 * The flat columns of a schema as the tree of objects that they were. Generated code and interpreter
 * walk it to take records apart and to build them again.
 */
import type {ColumnPlace} from './batch-layout.ts';

/** A column that holds values. */
export interface LeafNode {
  readonly kind: 'leaf';
  readonly name: string;
  readonly place: ColumnPlace;
}

/** A nested object; `place` is its struct column, if it has one. */
export interface ObjectNode {
  readonly kind: 'object';
  readonly name: string;
  readonly place: ColumnPlace | undefined;
  readonly children: ReadonlyArray<LeafNode | ObjectNode>;
}

interface Building {
  name: string;
  place: ColumnPlace | undefined;
  isObject: boolean;
  children: Map<string, Building>;
}

/** The tree of a record's columns. */
export function recordTree(places: readonly ColumnPlace[]): ObjectNode {
  const root: Building = {name: '', place: undefined, isObject: true, children: new Map()};
  for (const place of places) {
    let node = root;
    for (const name of place.column.path) {
      let child = node.children.get(name);
      if (child === undefined) {
        child = {name, place: undefined, isObject: true, children: new Map()};
        node.children.set(name, child);
      }
      node = child;
    }
    node.place = place;
    node.isObject = place.column.type === 'struct';
  }
  return freeze(root) as ObjectNode;
}

function freeze(node: Building): LeafNode | ObjectNode {
  if (!node.isObject) return {kind: 'leaf', name: node.name, place: node.place!};
  return {
    kind: 'object',
    name: node.name,
    place: node.place,
    children: [...node.children.values()].map(freeze),
  };
}

/** Whether the node can be null, undefined or missing. */
export function isNullable(node: LeafNode | ObjectNode): boolean {
  return node.place !== undefined && node.place.stateIndex >= 0;
}

/** Calls `visit` with every column below `node`, itself included. */
export function eachPlace(node: LeafNode | ObjectNode, visit: (place: ColumnPlace) => void): void {
  if (node.place !== undefined) visit(node.place);
  if (node.kind === 'object') for (const child of node.children) eachPlace(child, visit);
}
