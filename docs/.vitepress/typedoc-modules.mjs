import { Converter, ReflectionKind } from 'typedoc';

/** A plugin of TypeDoc: gives each module the name by which a program imports it. */
const NAMES = {
  index: 'millrace',
  'operators/operator': 'millrace/operator',
  'codecs/codec': 'millrace/codec',
  testing: 'millrace/testing',
  'transports/zmtp/zmtp': 'millrace/zmtp',
};

export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
    for (const module of project.getReflectionsByKind(ReflectionKind.Module)) module.name = NAMES[module.name] ?? module.name;
  });
}
