/** The version of this package, for code that a bundler has moved away from package.json. A test compares both. */
export const VERSION = '0.1.0';
