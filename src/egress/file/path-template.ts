import path from 'node:path';
import { MillraceError } from '../../errors/errors.js';
import type { Frame } from '../../frame/frame.js';

const PLACEHOLDER = /\{([^{}]*)\}/g;
const KNOWN = /^(?:(ordinal|sequence)(?::0(\d{1,2}))?|source|run)$/;

/** The start of a run in the form of `{run}` in a path: UTC, `YYYYMMDDTHHMMSSZ`. */
export const runName = (start: Date): string => start.toISOString().replace(/[-:]|\.\d+/g, '');

/** A path with `{ordinal}`, `{sequence}` (with leading zeros: `{ordinal:06}`), `{source}` and `{run}`. */
export class PathTemplate {
  /** Whether each frame has a file of its own. */
  readonly perFrame: boolean;
  /** The folder, if it is the same for all frames. */
  readonly folder: string | undefined;
  readonly #template: string;
  /** With the run filled in. */
  readonly #ofRun: string;

  /** Throws ERR_CONFIG_INVALID for an unknown placeholder. */
  constructor(template: string, baseDir: string, run = '{run}') {
    for (const [whole, inner] of template.matchAll(PLACEHOLDER)) {
      if (!KNOWN.test(inner!))
        throw new MillraceError(
          'ERR_CONFIG_INVALID',
          `path: unknown placeholder ${whole}; use {ordinal}, {sequence}, {source}, {run}, or {ordinal:06}`,
        );
    }
    this.#template = path.resolve(baseDir, template);
    this.perFrame = /\{(?:ordinal|sequence)/.test(this.#template);
    this.#ofRun = this.#template.replaceAll('{run}', run);
    const folder = path.dirname(this.#ofRun);
    this.folder = /[{}]/.test(folder) ? undefined : folder;
  }

  get extension(): string {
    return path.extname(this.#template).toLowerCase();
  }

  fill(frame: Frame): string {
    return this.#ofRun.replace(PLACEHOLDER, (_whole, inner: string) => {
      const [, number, digits] = KNOWN.exec(inner)!;
      if (number === undefined) return safeName(frame.source);
      return String(frame[number as 'ordinal' | 'sequence']).padStart(Number(digits ?? 0), '0');
    });
  }

  /** The given path, made absolute. */
  toString(): string {
    return this.#template;
  }

  /** Whether this template can produce a file name (without folder), with or without an inserted number. */
  matches(name: string): boolean {
    const base = path.basename(this.#template);
    const extension = path.extname(base);
    const stem = base.slice(0, base.length - extension.length);
    return new RegExp(`^${asExpression(stem)}(-\\d+)?${asExpression(extension)}$`).test(name);
  }
}

const EXPRESSIONS: Readonly<Record<string, string>> = { '{source}': '[\\w.-]+', '{run}': '\\d{8}T\\d{6}Z' };

function asExpression(template: string): string {
  return template
    .split(/(\{[^{}]*\})/)
    .map((piece) => (piece.startsWith('{') ? (EXPRESSIONS[piece] ?? '\\d+') : piece.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join('');
}

/** The name of a source as one segment of a path: it must not leave the folder or hide the file. */
function safeName(name: string): string {
  return name.replace(/[^\w.-]/g, '_').replace(/^\./, '_') || '_';
}
