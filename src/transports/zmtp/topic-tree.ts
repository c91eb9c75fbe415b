/** Each character is one byte of the prefix (latin1): text is a third of what small buffers take. */
interface Node<T> {
  /** The bytes on the edge to this node. */
  label: string;
  /** What has exactly the path down to here: nearly always nothing or one value. */
  values: T | Set<T> | undefined;
  /** By the first byte of their label. */
  children: Map<number, Node<T>> | undefined;
}

/**
 * Prefixes and their subscribers: a radix tree, so a subscription costs at most two nodes and a look-up one step for
 * each edge along the topic, for any number of subscriptions. Values are neither sets nor undefined.
 */
export class TopicTree<T> {
  readonly #root: Node<T> = node<T>('');
  #size = 0;

  /** Pairs of prefix and value. */
  get size(): number {
    return this.#size;
  }

  /** @returns true when no other value had that prefix. The prefix is copied. */
  add(prefix: Uint8Array, value: T): boolean {
    let at = this.#root;
    let offset = 0;
    while (offset < prefix.length) {
      const child = at.children?.get(prefix[offset]!);
      if (child === undefined) {
        const leaf = node<T>(text(prefix, offset));
        at.children ??= new Map();
        at.children.set(prefix[offset]!, leaf);
        at = leaf;
        break;
      }
      const shared = commonLength(child.label, prefix, offset);
      if (shared < child.label.length) split(child, shared);
      offset += shared;
      at = child;
    }
    const { values } = at;
    if (values === undefined) at.values = value;
    else if (values instanceof Set) {
      if (values.has(value)) return false;
      values.add(value);
    } else if (values === value) return false;
    else at.values = new Set([values, value]);
    this.#size += 1;
    return values === undefined;
  }

  /** @returns true when no value has that prefix any more, false when others do or none did */
  remove(prefix: Uint8Array, value: T): boolean {
    const path: Node<T>[] = [this.#root];
    let at = this.#root;
    let offset = 0;
    while (offset < prefix.length) {
      const child = at.children?.get(prefix[offset]!);
      if (child === undefined || commonLength(child.label, prefix, offset) < child.label.length) return false;
      offset += child.label.length;
      path.push(child);
      at = child;
    }
    const { values } = at;
    if (values instanceof Set) {
      if (!values.delete(value)) return false;
      if (values.size === 1) at.values = values.values().next().value;
    } else if (values !== undefined && values === value) at.values = undefined;
    else return false;
    this.#size -= 1;
    if (at.values !== undefined) return false;
    prune(path);
    return true;
  }

  /** Calls `visit` for each value of each prefix of `topic`; a value may come more than once. */
  match(topic: Uint8Array, visit: (value: T) => void): void {
    let at = this.#root;
    let offset = 0;
    for (;;) {
      const { values } = at;
      if (values instanceof Set) values.forEach(visit);
      else if (values !== undefined) visit(values);
      if (offset >= topic.length) return;
      const child = at.children?.get(topic[offset]!);
      if (child === undefined || commonLength(child.label, topic, offset) < child.label.length) return;
      offset += child.label.length;
      at = child;
    }
  }

  matches(topic: Uint8Array): boolean {
    let at = this.#root;
    let offset = 0;
    for (;;) {
      if (at.values !== undefined) return true;
      if (offset >= topic.length) return false;
      const child = at.children?.get(topic[offset]!);
      if (child === undefined || commonLength(child.label, topic, offset) < child.label.length) return false;
      offset += child.label.length;
      at = child;
    }
  }
}

function node<T>(label: string): Node<T> {
  return { label, values: undefined, children: undefined };
}

const text = (bytes: Uint8Array, offset: number): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset + offset, bytes.length - offset).toString('latin1');

function commonLength(label: string, bytes: Uint8Array, offset: number): number {
  const limit = Math.min(label.length, bytes.length - offset);
  let length = 0;
  while (length < limit && label.charCodeAt(length) === bytes[offset + length]) length += 1;
  return length;
}

/** `child` keeps the first `length` bytes of its label; the rest moves to a node below it. */
function split<T>(child: Node<T>, length: number): void {
  const below: Node<T> = { label: child.label.slice(length), values: child.values, children: child.children };
  child.values = undefined;
  child.children = new Map([[below.label.charCodeAt(0), below]]);
  child.label = child.label.slice(0, length);
}

/** Takes away nodes that say nothing, from the end of the path upwards, and joins one that has a single child left. */
function prune<T>(path: Node<T>[]): void {
  for (let index = path.length - 1; index > 0; index--) {
    const at = path[index]!;
    const count = at.children?.size ?? 0;
    if (at.values !== undefined || count > 1) return;
    if (count === 0) {
      path[index - 1]!.children!.delete(at.label.charCodeAt(0));
      continue;
    }
    const [only] = at.children!.values();
    at.label += only!.label;
    at.children = only!.children;
    at.values = only!.values;
    return;
  }
}
