let value = 1;

/**
 * A moment away from what the threads share, about a nanosecond a turn: whoever looks again at once takes the lines from the
 * thread that is to fill them.
 */
export function pause(turns: number): void {
  for (let i = 0; i < turns; i++) value = Math.imul(value, 1103515245) + 12345;
}
