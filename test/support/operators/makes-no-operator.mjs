/** Returns something that has no `process`. */
export default function makesNoOperator() {
  return {};
}
