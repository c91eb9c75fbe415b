import { afterEach } from 'vitest';

const open: { close(): unknown }[] = [];

/** What a test opens: it is closed behind the test, however that ended. */
export function keep<T extends { close(): unknown }>(opened: T): T {
  open.push(opened);
  return opened;
}

afterEach(async () => {
  for (const opened of open.splice(0)) await opened.close();
});
