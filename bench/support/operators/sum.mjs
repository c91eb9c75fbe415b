// Adds up the bytes of a frame `rounds` times: an operator that costs what one says.
export function sum(bytes, rounds) {
  let total = 0;
  for (let round = 0; round < rounds; round++) for (let i = 0; i < bytes.length; i++) total = (total + bytes[i]) | 0;
  return total;
}
export default function ({ rounds = 1, pass = true }) {
  return {
    process(frame, out) {
      if (sum(frame.bytes, rounds) !== -1 && pass) out.emit(frame);
    },
  };
}
