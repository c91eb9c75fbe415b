interface Node<T> {
  /** The bytes on the edge to this node. */
  label: Buffer;
  /** Who subscribed to exactly the path down to here. */
  readonly values: Set<T>;
  /** By the first byte of their label. */
  readonly children: Map<number, Node<T>>;
}

/**
 * Prefixes and who wants them: a radix tree, so a subscription costs two nodes at most and a look-up one step for each edge along
 * the topic, whatever the number of subscriptions.
 */
export class TopicTree<T> {
  readonly #root: Node<T> = node<T>(Buffer.alloc(0));
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
      const child = at.children.get(prefix[offset]!);
      if (child === undefined) {
        const leaf = node<T>(Buffer.from(prefix.subarray(offset)));
        at.children.set(prefix[offset]!, leaf);
        at = leaf;
        break;
      }
      const shared = commonLength(child.label, prefix, offset);
      if (shared < child.label.length) split(child, shared);
      offset += shared;
      at = child;
    }
    const first = at.values.size === 0;
    if (!at.values.has(value)) this.#size += 1;
    at.values.add(value);
    return first;
  }

  /** @returns true when nobody wants that prefix any more, false when others do or nobody did */
  remove(prefix: Uint8Array, value: T): boolean {
    const path: Node<T>[] = [this.#root];
    let at = this.#root;
    let offset = 0;
    while (offset < prefix.length) {
      const child = at.children.get(prefix[offset]!);
      if (child === undefined || commonLength(child.label, prefix, offset) < child.label.length) return false;
      offset += child.label.length;
      path.push(child);
      at = child;
    }
    if (!at.values.delete(value)) return false;
    this.#size -= 1;
    if (at.values.size > 0) return false;
    prune(path);
    return true;
  }

  /** Calls `visit` for each value of each prefix of `topic`; a value may come more than once. */
  match(topic: Uint8Array, visit: (value: T) => void): void {
    let at = this.#root;
    let offset = 0;
    for (;;) {
      if (at.values.size > 0) at.values.forEach(visit);
      if (offset >= topic.length) return;
      const child = at.children.get(topic[offset]!);
      if (child === undefined || commonLength(child.label, topic, offset) < child.label.length) return;
      offset += child.label.length;
      at = child;
    }
  }

  matches(topic: Uint8Array): boolean {
    let at = this.#root;
    let offset = 0;
    for (;;) {
      if (at.values.size > 0) return true;
      if (offset >= topic.length) return false;
      const child = at.children.get(topic[offset]!);
      if (child === undefined || commonLength(child.label, topic, offset) < child.label.length) return false;
      offset += child.label.length;
      at = child;
    }
  }
}

function node<T>(label: Buffer): Node<T> {
  return { label, values: new Set(), children: new Map() };
}

function commonLength(label: Buffer, bytes: Uint8Array, offset: number): number {
  const limit = Math.min(label.length, bytes.length - offset);
  let length = 0;
  while (length < limit && label[length] === bytes[offset + length]) length += 1;
  return length;
}

/** `child` keeps the first `length` bytes of its label; what it had goes to a node below it. */
function split<T>(child: Node<T>, length: number): void {
  const below: Node<T> = {
    label: Buffer.from(child.label.subarray(length)),
    values: new Set(child.values),
    children: new Map(child.children),
  };
  child.values.clear();
  child.children.clear();
  child.children.set(below.label[0]!, below);
  child.label = Buffer.from(child.label.subarray(0, length));
}

/** Takes away nodes that say nothing, from the end of the path upwards, and joins one that has a single child left. */
function prune<T>(path: Node<T>[]): void {
  for (let index = path.length - 1; index > 0; index--) {
    const at = path[index]!;
    if (at.values.size > 0 || at.children.size > 1) return;
    if (at.children.size === 0) {
      path[index - 1]!.children.delete(at.label[0]!);
      continue;
    }
    const [only] = at.children.values();
    at.label = Buffer.concat([at.label, only!.label]);
    at.children.clear();
    for (const [byte, child] of only!.children) at.children.set(byte, child);
    for (const value of only!.values) at.values.add(value);
    return;
  }
}
