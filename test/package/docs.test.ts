import { copyFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { loadPipeline } from '../../src/spec/load.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The Markdown files that a reader follows: at the root, in docs (not the generated API) and beside the examples. */
const PAGES = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md') && name !== 'CHANGELOG.md'),
  ...['docs', 'examples'].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md') && !/^reference[\\/]api[\\/]|node_modules/.test(name))
      .map((name) => join(folder, name)),
  ),
];

const textOf = (page: string): string => readFileSync(join(ROOT, page), 'utf8');
const withoutCode = (text: string): string => text.replaceAll(/```[\s\S]*?```/g, '').replaceAll(/`[^`\n]*`/g, 'code');

/** The anchors of a page, as GitHub makes them of its headings. */
function anchorsOf(text: string): Set<string> {
  const headings = [...text.replaceAll(/```[\s\S]*?```/g, '').matchAll(/^#+ (.*)$/gm)].map(([, heading]) => heading!);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** What is wrong with the relative links of a text in a folder of the repository. */
function brokenLinks(folder: string, text: string, own: ReadonlySet<string>): string[] {
  const links = [...withoutCode(text).matchAll(/\]\((?!https?:|mailto:)([^)\s]+)\)/g)].map(([, link]) => link!);
  return links.filter((link) => {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? undefined : join(ROOT, folder, path);
    if (target && !existsSync(target)) return true;
    if (!anchor) return false;
    const anchors = target ? (statSync(target).isFile() ? anchorsOf(readFileSync(target, 'utf8')) : new Set<string>()) : own;
    return !anchors.has(anchor);
  });
}

test('every relative link of README, docs and examples leads to a file and to a heading in it', () => {
  expect(PAGES).toEqual(expect.arrayContaining(['README.md', 'docs/glossary.md', 'docs/guide/operating.md']));
  const broken = PAGES.flatMap((page) => {
    const text = textOf(page);
    return brokenLinks(dirname(page), text, anchorsOf(text)).map((link) => `${page}: ${link}`);
  });
  expect(broken).toEqual([]);
});

test('the check of links finds a missing file and a missing heading', () => {
  const own = anchorsOf('# A `b`: c\n');
  expect(own).toEqual(new Set(['a-b-c']));
  const text = '[1](#a-b-c) [2](#b) [3](README.md) [4](no.md) [5](README.md#install) [6](README.md#no) `[7](no.md)`';
  expect(brokenLinks('.', text, own)).toEqual(['#b', 'no.md', 'README.md#no']);
});

test('README has at most 170 lines', () => {
  expect(textOf('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(170);
});

test('every whole pipeline in README and docs loads', async () => {
  // Modules in the examples import by the name of the package, which Node resolves from a folder of this one.
  const folder = mkdtempSync(join(ROOT, 'dist', 'docs-'));
  const examples = new Map(
    readdirSync(join(ROOT, 'examples/connectors'))
      .filter((name) => name.endsWith('.mjs'))
      .map((name) => [name, join(ROOT, 'examples/connectors', name)]),
  );
  try {
    const found = PAGES.flatMap((page) =>
      [...textOf(page).matchAll(/```yaml\n([\s\S]*?)```/g)]
        .map(([, text]) => text!)
        .filter((text) => /^version: 1$/m.test(text))
        .map((text) => ({ page, text })),
    );
    expect(found.length).toBeGreaterThanOrEqual(5);
    for (const [index, { page, text }] of found.entries()) {
      const file = join(folder, `${index}.yaml`);
      writeFileSync(file, text);
      // The loader imports modules of sources, sinks and codecs, and looks for the other files without reading them.
      for (const [name] of text.matchAll(/\b[\w-]+\.(?:mjs|npy|poni|h5|tif|cbf)\b/g)) {
        const example = examples.get(name);
        if (example) copyFileSync(example, join(folder, name));
        else writeFileSync(join(folder, name), '');
      }
      const spec = await loadPipeline(file).catch((error: Error) => expect.fail(`${relative(ROOT, page)}: ${error.message}`));
      expect(Object.keys(spec.sinks).length, page).toBeGreaterThan(0);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('CONTRIBUTING names an existing file for each of ten tasks', () => {
  const rows = [...textOf('CONTRIBUTING.md').matchAll(/^\| \d+ \| .* \| (.*) \|$/gm)].map(([, files]) => files!);
  expect(rows).toHaveLength(10);
  for (const row of rows) {
    const files = [...row.matchAll(/`([^`]+)`/g)].map(([, file]) => file!);
    expect(files.length, row).toBeGreaterThan(0);
    for (const file of files) expect(existsSync(join(ROOT, file)), file).toBe(true);
  }
});
