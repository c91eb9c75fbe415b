// The twin of ../scalar/integrate-azimuthal.ts, which documents the parameters: same name, same signature, same bytes
// out, because both add the pixels in the same order in float64. Signal and variance of a bin lie side by side, so that
// one 128-bit addition updates both.

const UINT8 = 1;
const INT8 = 2;
const UINT16 = 3;
const INT16 = 4;
const UINT32 = 5;
const INT32 = 6;
const FLOAT32 = 9;
const FLOAT64 = 10;

@inline
function sumOf(binTable: usize, pixel: u32, bins: u32, sums: usize): usize {
  const bin = <u32>load<u16>(binTable + ((<usize>pixel) << 1));
  return sums + ((<usize>(bin < bins ? bin : bins)) << 5);
}

@inline
function add(sum: usize, signal: f64, raw: f64): void {
  const variance = select<f64>(1, raw, raw < 1);
  v128.store(sum, f64x2.add(v128.load(sum), f64x2.replace_lane(f64x2.splat(signal), 1, variance)));
}

@inline
function addAll<T>(source: usize, pixels: u32, binTable: usize, bins: u32, sums: usize): void {
  for (let i: u32 = 0; i < pixels; i++) {
    const raw = <f64>load<T>(source + <usize>i * sizeof<T>());
    add(sumOf(binTable, i, bins, sums), raw, raw);
  }
}

@inline
function addValid<T>(
  source: usize,
  pixels: u32,
  binTable: usize,
  bins: u32,
  norm: usize,
  dark: usize,
  below: f64,
  above: f64,
  sums: usize,
): void {
  for (let i: u32 = 0; i < pixels; i++) {
    const raw = <f64>load<T>(source + <usize>i * sizeof<T>());
    const sum = sumOf(binTable, i, bins, sums);
    if (raw >= below && raw <= above) {
      add(sum, dark === 0 ? raw : raw - <f64>load<f32>(dark + ((<usize>i) << 2)), raw);
    } else {
      store<f64>(sum, load<f64>(sum, 16) + <f64>load<f32>(norm + ((<usize>i) << 2)), 16);
      store<f64>(sum, load<f64>(sum, 24) + 1, 24);
    }
  }
}

/** Integers within low..high, both included: one comparison of unsigned words for both limits. */
@inline
function addWithin<T>(
  source: usize,
  pixels: u32,
  binTable: usize,
  bins: u32,
  norm: usize,
  low: T,
  high: T,
  sums: usize,
): void {
  const span = <u32>high - <u32>low;
  for (let i: u32 = 0; i < pixels; i++) {
    const item = load<T>(source + <usize>i * sizeof<T>());
    const sum = sumOf(binTable, i, bins, sums);
    if (<u32>item - <u32>low <= span) {
      add(sum, <f64>item, <f64>item);
    } else {
      store<f64>(sum, load<f64>(sum, 16) + <f64>load<f32>(norm + ((<usize>i) << 2)), 16);
      store<f64>(sum, load<f64>(sum, 24) + 1, 24);
    }
  }
}

@inline
function addPixels<T>(
  source: usize,
  pixels: u32,
  binTable: usize,
  bins: u32,
  norm: usize,
  dark: usize,
  below: f64,
  above: f64,
  sums: usize,
): void {
  if (isInteger<T>() && dark === 0) {
    const past = <f64>((<u64>1) << (sizeof<T>() * 8 - (isSigned<T>() ? 1 : 0)));
    const least: f64 = isSigned<T>() ? -past : 0;
    const most = past - 1;
    if (below <= least && above >= most) {
      addAll<T>(source, pixels, binTable, bins, sums);
      return;
    }
    const low = max<f64>(ceil<f64>(below), least);
    const high = min<f64>(floor<f64>(above), most);
    if (low <= high) {
      addWithin<T>(source, pixels, binTable, bins, norm, <T>low, <T>high, sums);
      return;
    }
  }
  addValid<T>(source, pixels, binTable, bins, norm, dark, below, above, sums);
}

export function integrateAzimuthal(
  dtype: i32,
  source: usize,
  pixels: u32,
  binTable: usize,
  bins: u32,
  norm: usize,
  dark: usize,
  below: f64,
  above: f64,
  sums: usize,
): void {
  memory.fill(sums, 0, (<usize>bins + 1) << 5);
  if (dtype === UINT16) addPixels<u16>(source, pixels, binTable, bins, norm, dark, below, above, sums);
  else if (dtype === UINT32) addPixels<u32>(source, pixels, binTable, bins, norm, dark, below, above, sums);
  else if (dtype === INT32) addPixels<i32>(source, pixels, binTable, bins, norm, dark, below, above, sums);
  else if (dtype === FLOAT32) addPixels<f32>(source, pixels, binTable, bins, norm, dark, below, above, sums);
  else if (dtype === FLOAT64) addPixels<f64>(source, pixels, binTable, bins, norm, dark, below, above, sums);
  else if (dtype === UINT8) addPixels<u8>(source, pixels, binTable, bins, norm, dark, below, above, sums);
  else if (dtype === INT8) addPixels<i8>(source, pixels, binTable, bins, norm, dark, below, above, sums);
  else if (dtype === INT16) addPixels<i16>(source, pixels, binTable, bins, norm, dark, below, above, sums);
  else unreachable();
}
