import { execFileSync } from 'node:child_process';

/** The Python that tests use as an independent reader and writer; another one by MILLRACE_PYTHON. */
export const PYTHON = process.env.MILLRACE_PYTHON ?? 'python3';

/** Whether that Python runs and has these modules. */
export function pythonHas(...modules: string[]): boolean {
  try {
    execFileSync(PYTHON, ['-c', modules.map((name) => `import ${name}`).join('\n')], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export function runPython(script: string, ...args: string[]): string {
  return execFileSync(PYTHON, ['-c', script, ...args], { maxBuffer: 1 << 28 }).toString();
}
