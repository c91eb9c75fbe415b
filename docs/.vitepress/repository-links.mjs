import { copyFileSync, existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { sitePath } from './site-path.mjs';

export const REPOSITORY_ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Files that are no pages, such as programs and dashboards, are copied to this folder of the site. */
const FILES = 'files';
const linked = new Set();

/**
 * A plugin of markdown-it. Links in the pages are relative to the file in the repository; the site has another layout.
 * This turns each into the address of the page, or of a copy of the file. It throws for a file that does not exist.
 */
export function repositoryLinks(md) {
  md.core.ruler.push('repository-links', ({ tokens, env }) => {
    for (const token of tokens) {
      for (const child of token.children ?? []) {
        if (child.type === 'link_open') resolveLink(child, env.realPath ?? env.path);
        if (child.type === 'text') child.content = child.content.replaceAll('{{', '{\u200b{'); // no template of Vue
      }
    }
  });
}

function resolveLink(token, page) {
  const href = token.attrGet('href');
  if (/^([a-z]+:|#|\/)/i.test(href)) return;
  const [, path, anchor] = /^([^#]*)(#.*)?$/.exec(href);
  const file = target(resolve(dirname(page), decodeURI(path)));
  if (!file) throw new Error(`${relative(REPOSITORY_ROOT, page)}: dead link ${href}`);
  const name = relative(REPOSITORY_ROOT, file).split(sep).join('/');
  if (name.endsWith('.md')) {
    token.attrSet('href', `/${sitePath(name)}${anchor ?? ''}`);
    return;
  }
  linked.add(name);
  token.attrSet('href', `/${FILES}/${name}`);
  token.attrSet('target', '_blank');
}

/** After the build: copies the files that pages link to. */
export function copyLinkedFiles({ outDir }) {
  for (const name of linked) {
    const copy = join(outDir, FILES, name);
    mkdirSync(dirname(copy), { recursive: true });
    copyFileSync(join(REPOSITORY_ROOT, name), copy);
  }
}

/** The file that a link means: of a folder its page. */
function target(path) {
  if (!existsSync(path)) return undefined;
  if (!statSync(path).isDirectory()) return path;
  return ['index.md', 'README.md'].map((name) => join(path, name)).find((name) => existsSync(name));
}
