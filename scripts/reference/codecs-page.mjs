import { code, page, sentence } from './markdown.mjs';

export function codecsPage(codecs, { sources, sinks }) {
  const users = (map) => [...map.values()].filter(({ usesCodec }) => usesCodec).map(({ type }) => code(type));
  return page(
    '# Codecs',
    `A codec turns the bytes of a message into a frame, and a frame into a message. Set it with ${code('codec:')} at a source (${users(sources).join(', ')}) or a sink (${users(sinks).join(', ')}). The default is ${code('array-1.0')}.`,
    ...codecs.map(({ name, description, docs }) => [`## ${code(name)}`, sentence(description), docs?.text].filter(Boolean).join('\n\n')),
  );
}
