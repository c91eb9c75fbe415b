import type { StageSpec } from './spec.js';

/** The operator that brings frames of several edges together; it can only be the first of its stage. */
export const JOIN = 'join';

export const isJoin = (stage: StageSpec | undefined): boolean => stage?.operators[0]?.type === JOIN;
