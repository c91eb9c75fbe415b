import { requireDependency } from '../memory/package-file.js';

/** The package loads parts of Node in a way that a bundle of ES modules cannot, so it is loaded from where it is installed. */
export const { isAlias, isMap, isPair, isScalar, isSeq, LineCounter, parse, parseDocument, Scalar, visit } =
  requireDependency<typeof import('yaml')>('yaml');
export type { Document, Node } from 'yaml';
