import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

/** Words that this project's messages and comments do not use: each has a plainer one. */
const AVOIDED =
  /\b(who|whoever|nobody|somebody|anybody|tells|told|stands|stood|books|so (many|often|long as)|hears?|lies|at work|is to be had)\b/i;

const SOURCES = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .map((name) => join('src', name))
  .filter((path) => path.endsWith('.ts') && !path.includes('/assembly/'));

/** The comments and texts of a source file, with their lines. Names in backquotes are code. */
function prose(path: string, text: string): { line: number; text: string }[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const found = new Map<number, string>();
  const addComments = (ranges: ts.CommentRange[] | undefined): void => {
    for (const { pos, end } of ranges ?? []) found.set(pos, text.slice(pos, end));
  };
  const visit = (node: ts.Node): void => {
    addComments(ts.getLeadingCommentRanges(text, node.getFullStart()));
    addComments(ts.getTrailingCommentRanges(text, node.getEnd()));
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node) || ts.isTemplateHead(node))
      found.set(node.getStart(), node.text);
    else if (node.kind === ts.SyntaxKind.TemplateMiddle || node.kind === ts.SyntaxKind.TemplateTail)
      found.set(node.getStart(), (node as ts.TemplateMiddle).text);
    ts.forEachChild(node, visit);
  };
  visit(file);
  addComments(ts.getLeadingCommentRanges(text, file.endOfFileToken.getFullStart()));
  return [...found]
    .sort(([a], [b]) => a - b)
    .map(([at, words]) => ({
      line: file.getLineAndCharacterOfPosition(at).line + 1,
      text: words.replace(/`[^`\n]*`/g, ''),
    }));
}

const offences = (path: string, text: string): string[] =>
  prose(path, text).flatMap(({ line, text: words }) => {
    const word = AVOIDED.exec(words)?.[0];
    // A text without a space is a name, not a sentence.
    return word !== undefined && /\s/.test(words.trim()) ? [`${path}:${line}: '${word}'`] : [];
  });

describe('messages, descriptions and comments', () => {
  it('use no word that has a plainer one', () => {
    expect(SOURCES.length).toBeGreaterThan(200);
    expect(SOURCES.flatMap((path) => offences(path, readFileSync(path, 'utf8')))).toEqual([]);
  });

  it('are found in comments, plain texts and templates, and names in backquotes are not', () => {
    const source = [
      '/** Nobody reads it. */',
      "const a = 'the run tells it';",
      'const b = `${a} stands here`; // as it lies there',
      '/** Calls `who` once. */',
      "const c = 'who';",
    ].join('\n');
    expect(offences('x.ts', source)).toEqual(["x.ts:1: 'Nobody'", "x.ts:2: 'tells'", "x.ts:3: 'stands'", "x.ts:3: 'lies'"]);
  });
});
