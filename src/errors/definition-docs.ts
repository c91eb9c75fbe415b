import type { ErrorCode } from './errors.js';

/** What the reference says of a source, operator, sink or codec beyond its description and options. */
export interface DefinitionDocs {
  /** Paragraphs of Markdown. */
  readonly text?: string;
  /** A whole pipeline, or a program, that shows its use. */
  readonly example?: string;
  /** Language of the example; default `yaml`. */
  readonly language?: string;
  /** What the example needs, such as a server or a file. */
  readonly run?: string;
  /** The errors that it raises, and when. */
  readonly errors?: Readonly<Partial<Record<ErrorCode, string>>>;
}
