import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { MillraceError } from '../errors/errors.js';

/** How a server authenticates itself over TLS. */
export interface TlsOptions {
  /** File of certificates (PEM) of the accepted certificate authorities; relative to the pipeline file. */
  readonly ca?: string;
}

export const TLS_SCHEMA = {
  type: 'object',
  additionalProperties: false,
  properties: {
    ca: {
      type: 'string',
      minLength: 1,
      description: 'file with the certificates (PEM) of the trusted authorities',
    },
  },
  description: 'options of TLS; without `ca`, Node trusts its own authorities',
} as const;

export function readTls(options: TlsOptions | undefined, baseDir: string): { ca?: string } {
  return options?.ca === undefined ? {} : { ca: readFileSync(resolve(baseDir, options.ca), 'utf8') };
}

/** @throws ERR_CONFIG_FILE for a file that is missing or has no certificate. */
export function checkTls(sink: string, options: TlsOptions | undefined, baseDir: string): void {
  const place = { path: 'tls.ca' };
  let text: string | undefined;
  try {
    text = readTls(options, baseDir).ca;
  } catch (error) {
    throw new MillraceError('ERR_CONFIG_FILE', `${sink}: cannot read the file of tls.ca: ${(error as Error).message}`, {
      cause: error,
      place,
    });
  }
  if (text !== undefined && !text.includes('-----BEGIN CERTIFICATE-----'))
    throw new MillraceError('ERR_CONFIG_FILE', `${sink}: the file of tls.ca has no certificate in PEM format`, { place });
}
