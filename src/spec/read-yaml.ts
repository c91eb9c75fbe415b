import type { Place } from '../errors/errors.js';
import type { ConfigIssue } from './config-error.js';
import { formatKeyPath, type KeyPath } from './key-path.js';
import { findVariables, type Lookup, substituteVariables } from './substitute-env.js';
import { type Document, isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument, visit } from './yaml.js';

/** The location of a key or a value. */
export type Locate = (path: KeyPath, what?: 'key' | 'value') => Place;

export interface ReadYaml {
  /** Plain data, nothing shared between its parts; undefined when the text could not be read. */
  readonly value: unknown;
  readonly locate: Locate;
  readonly issues: readonly (ConfigIssue & { readonly keyPath: KeyPath })[];
}

/** Longest text that is read, in characters. */
const MAX_TEXT_LENGTH = 4 * 1024 * 1024;
/** Maximum nodes after expanding aliases: a few lines of aliases can expand to billions. */
const MAX_NODES = 200_000;

/** Reads YAML 1.2, substitutes `${VARIABLES}` and records all locations. Never throws. */
export function readYaml(text: string, file: string, lookup: Lookup): ReadYaml {
  const lines = new LineCounter();
  const at = (offset: number | undefined, path: KeyPath): Place => {
    const position = offset === undefined ? undefined : lines.linePos(offset);
    return { file, path: formatKeyPath(path), ...(position?.line ? { line: position.line, column: position.col } : {}) };
  };
  const failed = (message: string, offset = 0): ReadYaml => ({
    value: undefined,
    locate: (path) => at(0, path),
    issues: [{ code: 'ERR_CONFIG_SYNTAX', message, place: at(offset, []), keyPath: [] }],
  });
  if (text.length > MAX_TEXT_LENGTH) {
    lines.addNewLine(0);
    return failed(`the file is longer than ${MAX_TEXT_LENGTH} characters`);
  }
  const variables = findVariables(text);
  let document: Document.Parsed;
  try {
    document = parseDocument(variables.masked, { lineCounter: lines, prettyErrors: false, merge: true });
  } catch (thrown) {
    // The parser recurses: what is nested too deeply overflows the stack.
    return failed(`the file cannot be read as YAML: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
  if (document.errors.length > 0) {
    return {
      value: undefined,
      locate: (path) => at(0, path),
      issues: document.errors.map(({ message, pos }) => ({ code: 'ERR_CONFIG_SYNTAX', message, place: at(pos[0], []), keyPath: [] })),
    };
  }
  keepNullType(document);
  const locate: Locate = (path, what = 'value') => at(offsetOf(document, path, what), path);
  const issues = substituteVariables(document, variables, lookup).map(({ message, offset, path }) => ({
    code: 'ERR_CONFIG_ENV' as const,
    message,
    place: at(offset, path),
    keyPath: path,
  }));
  try {
    return { value: unshare(document.toJS({ maxAliasCount: 1000 })), locate, issues };
  } catch (thrown) {
    return failed(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** `type: null` names the sink; YAML alone would take the word for nothing. An empty `type:` stays empty. */
function keepNullType(document: Document.Parsed): void {
  visit(document, {
    Pair(_, { key, value }) {
      if (isScalar(key) && key.value === 'type' && isScalar(value) && value.value === null && value.source === 'null') value.value = 'null';
    },
  });
}

/** The offset of the deepest node on the way that exists. */
function offsetOf(document: Document.Parsed, path: KeyPath, what: 'key' | 'value'): number | undefined {
  let node: Node | null = document.contents;
  let offset = node?.range?.[0] ?? 0;
  for (const [depth, key] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document) ?? null;
    if (isMap<Node, Node | null>(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (!pair) break;
      const wantsKey = what === 'key' && depth === path.length - 1;
      // An empty value has its own location, after the colon, which is less helpful than its key.
      const empty = !pair.value?.range || (isScalar(pair.value) && pair.value.range[0] === pair.value.range[1]);
      offset = (wantsKey || empty ? pair.key.range : pair.value?.range)?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq<Node>(node)) {
      const item: Node | undefined = node.items[Number(key)];
      if (!item) break;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else {
      break;
    }
  }
  return offset;
}

/** A copy in which no part is shared: an alias may be overridden or filled with defaults in one place only. */
function unshare(value: unknown): unknown {
  let nodes = 0;
  const above = new Set<object>();
  const copy = (part: unknown): unknown => {
    if (++nodes > MAX_NODES) throw new Error(`the file has more than ${MAX_NODES} values, aliases written out`);
    if (typeof part !== 'object' || part === null) return part;
    if (above.has(part)) throw new Error('an alias is inside the value that it refers to');
    above.add(part);
    const result: unknown = Array.isArray(part)
      ? part.map(copy)
      : Object.fromEntries(Object.entries(part).map(([key, inner]) => [key, copy(inner)]));
    above.delete(part);
    return result;
  };
  return copy(value);
}
