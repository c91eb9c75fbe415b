/** Where the site has a file of the repository: README.md is the first page, docs/ is left out, a README is its folder's page. */
export function sitePath(name) {
  if (name === 'docs/README.md') return 'overview.md';
  return name.replace(/^docs\//, '').replace(/(^|\/)README\.md$/, '$1index.md');
}
