/** `, did you mean 'workers'?` where one of the known words is near, else an empty text. */
export function suggest(word: string, known: Iterable<string>): string {
  let best: string | undefined;
  let bestDistance = Math.floor((word.length + 1) / 3) + 1;
  for (const candidate of known) {
    const begun = word.length >= 3 && candidate.toLowerCase().startsWith(word.toLowerCase());
    const distance = begun ? 1 : editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best === undefined ? '' : `, did you mean '${best}'?`;
}

/** Damerau's distance with adjacent transpositions (optimal string alignment); words over 64 characters count as far. */
function editDistance(a: string, b: string): number {
  if (a.length > 64 || b.length > 64) return Infinity;
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const cost = a[i - 1] === b[j - 1] ? 0 : 1;
      let distance = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + cost);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) distance = Math.min(distance, before[j - 2]! + 1);
      row.push(distance);
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}
