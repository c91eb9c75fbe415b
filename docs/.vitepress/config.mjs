import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitepress';
import { copyLinkedFiles, REPOSITORY_ROOT, repositoryLinks } from './repository-links.mjs';
import { navigation, sidebar } from './sidebar.mjs';
import { sitePath } from './site-path.mjs';
import { slug } from './slug.mjs';

// `npm run docs` builds the site from docs/, README.md and the other pages of the repository. A link to a file that does not
// exist fails the build.
export default defineConfig({
  title: 'Millrace',
  description: 'Takes frames from instruments, reduces them on every core, and hands them on with every frame accounted for.',
  lang: 'en',
  srcDir: REPOSITORY_ROOT,
  srcExclude: ['**/node_modules/**', 'dist/**', 'site/**', 'demo-out/**', '.cache/**', '.github/**', 'test/**', 'bench/**'],
  rewrites: sitePath,
  outDir: fileURLToPath(new URL('../../site', import.meta.url)),
  cacheDir: fileURLToPath(new URL('../../node_modules/.cache/vitepress', import.meta.url)),
  base: process.env.MILLRACE_DOCS_BASE ?? '/',
  cleanUrls: false,
  lastUpdated: false,
  ignoreDeadLinks: false,
  buildEnd: copyLinkedFiles,
  markdown: {
    // Angle brackets in our pages are text.
    html: false,
    anchor: { slugify: slug },
    config: (md) => md.use(repositoryLinks),
  },
  // The index of the search is one file.
  vite: { build: { chunkSizeWarningLimit: 4000 } },
  themeConfig: {
    nav: navigation,
    sidebar: sidebar(),
    outline: [2, 3],
    search: { provider: 'local', options: { miniSearch: { searchOptions: { prefix: true, boost: { title: 4, titles: 2 } } } } },
  },
});
