import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate for 127.0.0.1 by an authority that no one else trusts. Paths of PEM files. */
export interface Certificates {
  readonly folder: string;
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
  /** The key and the certificate in one file. */
  readonly keyStore: string;
  dispose(): void;
}

/** Needs the command `openssl`. */
export function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'certificates-'));
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore', cwd: folder });
  const curve = ['-newkey', 'rsa:2048', '-nodes'];
  openssl('req', '-x509', ...curve, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=test authority');
  openssl('req', ...curve, '-keyout', 'key.pem', '-out', 'request.pem', '-subj', '/CN=127.0.0.1');
  writeFileSync(at('san.txt'), 'subjectAltName=IP:127.0.0.1\n');
  const sign = ['x509', '-req', '-in', 'request.pem', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'];
  openssl(...sign, '-extfile', 'san.txt', '-out', 'certificate.pem');
  writeFileSync(at('store.pem'), readFileSync(at('key.pem'), 'utf8') + readFileSync(at('certificate.pem'), 'utf8'));
  return {
    folder,
    ca: at('ca.pem'),
    certificate: at('certificate.pem'),
    key: at('key.pem'),
    keyStore: at('store.pem'),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}
