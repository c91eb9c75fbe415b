import type { KeyPath } from './key-path.js';
import { type Document, isPair, isScalar, isSeq, parse, Scalar, visit } from './yaml.js';

/** The value of an environment variable, undefined when it is not set. */
export type Lookup = (name: string) => string | undefined;

export interface Variables {
  /** The text with each `${...}` replaced by a plain word of the same length, so that every offset stays what it was. */
  readonly masked: string;
  readonly found: readonly { readonly offset: number; readonly text: string }[];
}

export interface VariableIssue {
  readonly message: string;
  readonly offset: number;
  readonly path: KeyPath;
}

// Three private-use characters stand for `${`, what is between, and `}`: braces would end a plain scalar in a flow map.
const OPEN = '\uE000';
const FILL = '\uE001';
const CLOSE = '\uE002';
const MASK = /\uE000\uE001*\uE002/g;
const VARIABLE = /\$?\$\{[^}\n]*\}?/g;

/** Masks every `${...}`. Text that holds the private-use characters itself is left alone, with no variables in it. */
export function findVariables(text: string): Variables {
  if (/[\uE000-\uE002]/.test(text)) return { masked: text, found: [] };
  const found: { offset: number; text: string }[] = [];
  const masked = text.replace(VARIABLE, (match, offset: number) => {
    found.push({ offset, text: match });
    return OPEN + FILL.repeat(match.length - 2) + CLOSE;
  });
  return { masked, found };
}

/**
 * Puts the values of variables into the scalars of a document: `${NAME}`, `${NAME:-default}` (also where the variable is
 * empty), `$${...}` for a literal `${...}`. A scalar without quotes is then read as YAML reads one, so that a number stays
 * a number; it can never become a map or a list. Comments are not looked at.
 */
export function substituteVariables(document: Document.Parsed, { found }: Variables, lookup: Lookup): VariableIssue[] {
  const issues: VariableIssue[] = [];
  if (found.length === 0) return issues;
  visit(document, {
    Scalar(key, scalar, ancestors) {
      if (typeof scalar.value !== 'string' || !scalar.value.includes(OPEN) || !scalar.range) return;
      const [start, end] = scalar.range;
      const inside = found.filter(({ offset }) => offset >= start && offset < end);
      const path = pathOf(key, ancestors);
      if (key === 'key') {
        let index = 0;
        // Restored for the messages that name the key.
        scalar.value = scalar.value.replace(MASK, () => inside[index++]?.text ?? '');
        issues.push({ message: 'a variable cannot stand in a key', offset: inside[0]?.offset ?? start, path });
        return;
      }
      let index = 0;
      let failed = false;
      const value = scalar.value.replace(MASK, (mask) => {
        const variable = inside[index++];
        if (!variable) return mask;
        const result = expand(variable.text, lookup);
        if ('value' in result) return result.value;
        failed = true;
        issues.push({ message: result.problem, offset: variable.offset, path });
        return variable.text;
      });
      scalar.value = !failed && scalar.type === Scalar.PLAIN ? retype(value) : value;
    },
  });
  return issues;
}

function expand(text: string, lookup: Lookup): { value: string } | { problem: string } {
  if (text.startsWith('$$')) return { value: text.slice(1) };
  const match = /^\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}$/.exec(text);
  if (!match) return { problem: `'${text}' is not a variable: write \${NAME} or \${NAME:-default}, and $\${ for a literal \${` };
  const [, name, fallback] = match;
  const value = lookup(name!);
  if (value !== undefined && (value !== '' || fallback === undefined)) return { value };
  if (fallback !== undefined) return { value: fallback };
  return { problem: `the environment variable ${name} is not set (\${${name}:-default} gives it a default)` };
}

/** What YAML makes of a plain scalar; whatever would be more than a scalar stays the text that it is. */
function retype(text: string): unknown {
  if (!/^[-+.\w]+$/.test(text)) return text;
  const value: unknown = parse(text);
  return typeof value === 'object' && value !== null ? text : value;
}

function pathOf(key: unknown, ancestors: readonly unknown[]): KeyPath {
  const path: (string | number)[] = [];
  for (const [depth, ancestor] of ancestors.entries()) {
    if (isPair(ancestor)) path.push(isScalar(ancestor.key) ? String(ancestor.key.value) : '?');
    else if (isSeq(ancestor)) {
      const child = ancestors[depth + 1];
      path.push(child === undefined ? Number(key) : ancestor.items.indexOf(child));
    }
  }
  return path;
}
